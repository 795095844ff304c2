[CmdletBinding(SupportsShouldProcess)]
param(
    # Take former addresses off those who still hold them: mail to them does not arrive then.
    [switch] $RemoveOldAddress
)
Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

if (-not (Get-Command -Name Set-MailUser -ErrorAction SilentlyContinue)) {
    throw 'Run Connect-ExchangeOnline first.'
}
$done = 0; $set = 0; $right = 0; $removed = 0; $missing = 0; $failed = 0
foreach ($guest in $guests) {
    Write-Progress -Activity 'Mail users' -Status "$done of $($guests.Count)" -PercentComplete (100 * $done / $guests.Count)
    $done++
    try {
        $found = @(Get-MailUser -Filter "ExternalDirectoryObjectId -eq '$($guest.Id)'")
        if ($found.Count -ne 1) {
            Write-Warning "$($guest.New): Exchange has $($found.Count) mail users with the object id $($guest.Id)"
            $missing++
            continue
        }
        $user = $found[0]
        $identity = $user.Guid.ToString()
        $present = "$($user.ExternalEmailAddress)" -replace '^smtp:', ''
        if ($present -eq $guest.New) {
            $right++
        } elseif ($present -and $guest.Old -notcontains $present) {
            Write-Warning "$($guest.New): Exchange has $present, which is no address of this campaign; left as it is"
            $failed++
            continue
        } elseif ($PSCmdlet.ShouldProcess($guest.Id, "set ExternalEmailAddress from $present to $($guest.New)")) {
            Set-MailUser -Identity $identity -ExternalEmailAddress $guest.New
            $set++
        }
        if ($RemoveOldAddress) {
            # Read again: what was just set may have changed which address is the first.
            $addresses = @((Get-MailUser -Identity $identity).EmailAddresses | ForEach-Object { "$_" })
            # A further address is written smtp:, the first one SMTP:, which stays.
            $old = @($addresses | Where-Object { $_ -clike 'smtp:*' -and $guest.Old -contains $_.Substring(5) })
            if ($old.Count -gt 0 -and $PSCmdlet.ShouldProcess($guest.Id, "remove $($old -join ', ')")) {
                Set-MailUser -Identity $identity -EmailAddresses @{ Remove = $old }
                $removed++
            }
        }
    } catch {
        Write-Warning "$($guest.New): $($_.Exception.Message)"
        $failed++
    }
}
Write-Output "$set set, $right were right already, $removed old addresses removed, $missing not found, $failed failed"
if ($failed -gt 0 -or $missing -gt 0) { exit 1 }
