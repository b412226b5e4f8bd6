# @summary The name of a service or of a check command: what is safe in a file name, a URL and Icinga's configuration.
type Monitoring::Name = Pattern[/\A[a-z0-9][a-z0-9_.-]{0,62}\z/]
