# One night of a campaign as an Azure Automation runbook (PowerShell 7.2 or later), on a
# hybrid worker: an Azure virtual machine of your own. A cloud job has no disk that keeps
# the checkpoint, and ends after three hours.
#
# On the worker: reinvite.exe, and C:\ProgramData\reinvite with reinvite.toml, guests.csv and
# its checkpoint, readable for the worker's account and administrators alone. The machine's
# managed identity signs in; grant it the application permissions (`reinvite doctor` says
# which). There is no secret.
#
# Automation starts a job again that was interrupted. That is as good as any other run: it
# goes on where the checkpoint says.
#
# Not run by us: neither PowerShell nor Automation was at hand. Its command is one that this
# program knows.
$ErrorActionPreference = 'Stop'
Set-Location 'C:\ProgramData\reinvite'

$env:REINVITE_TENANT_ID = '00000000-0000-0000-0000-000000000000'
$env:REINVITE_AUTH_METHOD = 'managed-identity'

# Native programs' words on stderr are no errors to PowerShell 7; they go to the job's output.
& 'C:\Program Files\reinvite\reinvite.exe' reconcile guests.csv --yes --max-duration 6h --log-file reinvite.jsonl --log-format json 2>&1 |
    ForEach-Object { "$_" }
$code = $LASTEXITCODE

switch ($code) {
    0 { }
    7 { Write-Warning 'the time was up; the next night goes on' }
    8 { Write-Warning 'another run is at it' }
    # A job that fails can raise an alert; this one needs somebody.
    default { throw "reinvite ended with exit code $code; see reinvite status guests.csv" }
}
