# @summary Variables of a check command: names that need no quoting, values of any kind.
type Monitoring::Variables = Hash[Pattern[/\A[a-z][a-z0-9_]{0,62}\z/], Data]
