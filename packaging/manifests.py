#!/usr/bin/env python3
"""The manifests of winget, Scoop and Homebrew for a release.

    packaging/manifests.py --repository OWNER/reinvite --version 0.1.0 \\
        --zip reinvite-0.1.0-x86_64-pc-windows-gnu.zip --source reinvite-0.1.0.tar.gz --out DIR

fills in packaging/templates with addresses below the repository's release and the checksums
of the two files, and refuses to leave anything unfilled. With --schemas DIR each is held
against the schema of that name in it (manifest.version.1.6.0.json, … of microsoft/winget-cli,
schema.json of ScoopInstaller/Scoop), which needs the packages jsonschema and pyyaml.
"""

import argparse
import datetime
import hashlib
import json
import re
import sys
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parent / "templates"
SCHEMAS = {
    "winget/version.yaml": "manifest.version.1.6.0.json",
    "winget/installer.yaml": "manifest.installer.1.6.0.json",
    "winget/locale.en-US.yaml": "manifest.defaultLocale.1.6.0.json",
    "scoop.json": "schema.json",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repository", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--zip", required=True, type=Path)
    parser.add_argument("--source", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--schemas", type=Path)
    arguments = parser.parse_args()
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", arguments.repository):
        sys.exit("--repository is OWNER/NAME")
    owner = arguments.repository.split("/")[0]
    values = {
        "owner": owner,
        # winget wants letters and digits in the parts of an identifier.
        "identifier": f"{owner}.reinvite",
        "repository": arguments.repository,
        "version": arguments.version,
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "zip": arguments.zip.name,
        "zip_directory": arguments.zip.stem,
        "zip_sha256": digest(arguments.zip),
        "source": arguments.source.name,
        "source_sha256": digest(arguments.source),
    }
    for template in sorted(path for path in TEMPLATES.rglob("*") if path.is_file()):
        name = template.relative_to(TEMPLATES)
        text = re.sub(r"@(\w+)@", lambda match: values[match[1]], template.read_text())
        if arguments.schemas and str(name) in SCHEMAS:
            check(name, text, arguments.schemas / SCHEMAS[str(name)])
        target = arguments.out / place(name, values)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        print(target)


def place(name, values):
    """winget names its files by the package."""
    if name.parent.name == "winget":
        kind = name.name.removeprefix("version.")
        return Path("winget") / f"{values['identifier']}.{kind}"
    return Path("reinvite" + name.suffix)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check(name, text, schema):
    import jsonschema
    import yaml

    # A date of YAML is a date to Python and a string to the schema.
    data = json.loads(text) if name.suffix == ".json" else yaml.load(text, Loader=yaml.BaseLoader)
    jsonschema.validate(data, json.loads(schema.read_text()))


main()
