# @summary The name of a check command; Icinga's template library has hyphens and underscores in them.
type Monitoring::Command = Pattern[/\A[a-z0-9][a-z0-9_-]{0,62}\z/]
