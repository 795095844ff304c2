#!/usr/bin/env python3
"""The pictures of the documentation, made from the real program.

    cargo build && python3 docs/pictures/make.py target/debug/reinvite

writes beside this script
- session.svg: a terminal session against the embedded tenant, as it was seen on a terminal;
- report.png: the HTML report of `reinvite demo` (needs `chromium`; left out without it).

Needs Python 3.9 and a Unix; no package. What the program prints is not changed by a letter:
the SVG shows the screen as the escape sequences left it.
"""

import html
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLUMNS, ROWS = 110, 200

MANIFEST = """\
user,new_email
hannah.wagner@northwind.example,hannah.wagner@fabrikam.example
ruth.mori@northwind.example,ruth.mori@fabrikam.example
olga.ramos@northwind.example,olga.ramos@fabrikam.example
gone.away@northwind.example,gone.away@fabrikam.example
lara.kim@northwind.example,lara.kim@fabrikam.example
"""

# What is typed, and the answer to the prompt that it brings up.
SESSION = [
    ("reinvite apply guests.csv", b"yes\n"),
    ("reinvite verify guests.csv --pending", None),
]

NAMED = {
    31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea",
}
FOREGROUND, BACKGROUND, DIM = "#d6dee6", "#12171d", "#8a949e"


class Screen:
    """A terminal that knows what the program writes: text, line ends, colours, and the
    few moves with which a progress line is drawn over."""

    TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(\r|\n)|([^\x1b\r\n]+)")

    def __init__(self):
        self.lines, self.row, self.column, self.style = [[]], 0, 0, (None, False, False)

    def feed(self, text):
        at = 0
        while at < len(text):
            token = self.TOKEN.match(text, at)
            if not token:
                sys.exit(f"an escape sequence that this script does not know: {text[at:at + 12]!r}")
            at = token.end()
            arguments, final, control, words = token.groups()
            if final:
                self.escape(arguments, final)
            elif control == "\r":
                self.column = 0
            elif control == "\n":
                self.row += 1
                while len(self.lines) <= self.row:
                    self.lines.append([])
            else:
                for character in words:
                    self.put(character)

    def put(self, character):
        if self.column == COLUMNS:
            self.row, self.column = self.row + 1, 0
            if len(self.lines) <= self.row:
                self.lines.append([])
        line = self.lines[self.row]
        line.extend((" ", (None, False, False)) for _ in range(self.column - len(line) + 1))
        line[self.column] = (character, self.style)
        self.column += 1

    def escape(self, arguments, final):
        if final == "m":
            for code in map(int, (arguments or "0").split(";")):
                colour, bold, dim = self.style
                if code == 0:
                    self.style = (None, False, False)
                elif code == 1:
                    self.style = (colour, True, dim)
                elif code == 2:
                    self.style = (colour, bold, True)
                else:
                    self.style = (NAMED[code], bold, dim)
        elif final == "K":
            keep = 0 if arguments == "2" else self.column
            del self.lines[self.row][keep:]
        elif final == "A":
            self.row = max(0, self.row - int(arguments or 1))
        elif final == "B":
            self.row += int(arguments or 1)
        elif final not in "hl":
            sys.exit(f"the escape sequence ESC [ {arguments} {final} is not known here")


def type_and_run(command, answer, environment, directory, screen):
    screen.feed("\x1b[32m$\x1b[0m \x1b[1m" + command + "\x1b[0m\r\n")
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(directory)
        words = command.split()
        os.execvpe(words[0], words, environment)
    subprocess.run(["stty", "-F", os.ttyname(terminal), "cols", str(COLUMNS), "rows", str(ROWS)],
                   check=False, stderr=subprocess.DEVNULL)
    seen = b""
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        if not ready:
            sys.exit(f"{command} says nothing any more")
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
        if answer and seen.rstrip().endswith(b":"):
            time.sleep(0.1)
            os.write(terminal, answer)
            answer = None
    os.waitpid(child, 0)
    screen.feed(seen.decode())
    screen.feed("\r\n")


def svg(screen):
    lines = screen.lines
    while lines and not any(character != " " for character, _ in lines[-1]):
        lines.pop()
    width, height, pad, bar = 8.4, 19, 18, 34
    total = (COLUMNS * width + 2 * pad, len(lines) * height + 2 * pad + bar)
    words = " ".join("".join(c for c, _ in line).strip() for line in lines[:1])
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total[0]:.0f} {total[1]:.0f}" '
        f'width="{total[0]:.0f}" height="{total[1]:.0f}" role="img" '
        'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,\'DejaVu Sans Mono\',monospace" font-size="14">',
        f"<title>A terminal session: {html.escape(words)}, and what it says</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
    ]
    for index, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        out.append(f'<circle cx="{pad + 6 + index * 20}" cy="20" r="6" fill="{colour}"/>')
    for number, line in enumerate(lines):
        y = bar + pad + number * height + 8
        column = 0
        while column < len(line):
            style = line[column][1]
            end = column
            while end < len(line) and line[end][1] == style:
                end += 1
            text = "".join(character for character, _ in line[column:end])
            if text.strip():
                lead = len(text) - len(text.lstrip())
                shown = text.strip()
                colour, bold, dim = style
                fill = colour or (DIM if dim else FOREGROUND)
                weight = ' font-weight="bold"' if bold else ""
                out.append(
                    f'<text x="{pad + (column + lead) * width:.1f}" y="{y}" fill="{fill}"{weight} '
                    f'textLength="{len(shown) * width:.1f}" xml:space="preserve">{html.escape(shown)}</text>'
                )
            column = end
    out.append("</svg>\n")
    return "\n".join(out)


def session(binary, directory):
    tenant = subprocess.Popen([binary, "emulate", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    try:
        configuration, is_toml = [], False
        for line in tenant.stdout:
            is_toml = is_toml or line.startswith("[tenant]")
            if is_toml:
                configuration.append(line)
            if line.startswith("client_secret"):
                break
        configuration.append('\n[pace]\nsettle = "1s"\n')
        (directory / "reinvite.toml").write_text("".join(configuration))
        (directory / "guests.csv").write_text(MANIFEST)
        environment = {
            "PATH": f"{Path(binary).resolve().parent}:{os.environ['PATH']}",
            "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "EMULATOR_SECRET": "emulator-secret",
        }
        screen = Screen()
        for command, answer in SESSION:
            type_and_run(command, answer, environment, directory, screen)
        (HERE / "session.svg").write_text(svg(screen))
    finally:
        tenant.terminate()
        tenant.wait()


def report(binary, directory):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        print("no chromium here: report.png is as it was")
        return
    subprocess.run([binary, "demo"], check=True, cwd=directory, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    subprocess.run([chromium, "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1180,980",
                    f"--user-data-dir={directory / 'chromium'}", f"--screenshot={HERE / 'report.png'}",
                    (directory / "reinvite-demo" / "report.html").as_uri()], check=True, stderr=subprocess.DEVNULL)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    binary = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as directory:
        session(binary, Path(directory))
        report(binary, Path(directory))


main()
