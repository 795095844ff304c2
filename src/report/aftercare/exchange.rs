//! The script for Exchange Online: what Graph can't write. It looks before it writes, changes
//! nothing that it did not expect, and has only plain ASCII in it, so that no code page of an
//! old PowerShell can make a quotation mark of half a letter.

use std::io::{self, Write};

use crate::campaign::{Aftercare, MovedGuest};

use super::powershell::verbatim;

/// What is done with each guest.
const SCRIPT: &str = include_str!("exchange.ps1");

/// What stands above it. A mail user is not a mail contact: `Get-MailUser` shows "mail users
/// and also guest users" (Exchange PowerShell, *Get-MailUser*); `Set-MailContact` is for
/// contacts of the organization.
const HEAD: &str = "\
#Requires -Version 5.1
# reinvite aftercare 1
<#
.SYNOPSIS
Gives the mail users of moved guests in Exchange Online their new address.

.DESCRIPTION
A guest is a mail user in Exchange Online: Set-MailUser is for it, and Set-MailContact is not.
Microsoft Graph wrote the guest's mail. Whether and when Exchange takes that over as
ExternalEmailAddress is not documented, so this looks first, and sets it only where Exchange
still has a former address. Where Exchange has another one it leaves it alone and says so.

Connect-ExchangeOnline comes first. Begin with -WhatIf, which changes nothing. It may be run
again at any time. It ends with 1 when a guest was not found or could not be set.

.LINK
https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailuser
#>
";

pub(super) fn write(out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
    let (parameters, rest) =
        SCRIPT.split_once("Set-StrictMode").expect("it is a constant of this program");
    // The parameters have to stand before every statement.
    write!(
        out,
        "{HEAD}{parameters}# Tenant {}, read {:.0}\n$guests = @(\n",
        plain(&aftercare.tenant_id),
        aftercare.read_at
    )?;
    for guest in &aftercare.moved {
        let MovedGuest { id, former, new, .. } = guest;
        let old: Vec<String> = former.iter().map(|old| verbatim(old.as_str())).collect();
        writeln!(
            out,
            "    [pscustomobject]@{{ Id = {}; Old = @({}); New = {} }}",
            verbatim(&id.to_string()),
            old.join(", "),
            verbatim(new.as_str()),
        )?;
    }
    write!(out, ")\nSet-StrictMode{rest}")
}

/// A text for a comment.
fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_ascii_graphic() { it } else { '?' }).collect()
}
