# @summary A Puppet certname that may become an Icinga host, endpoint and zone.
type Monitoring::Certname = Pattern[/\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){0,7}\z/]
