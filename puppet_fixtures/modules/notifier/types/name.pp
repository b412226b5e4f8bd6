# @summary Name of a person or a team that is told by mail.
type Notifier::Name = Pattern[/\A[a-z][a-z0-9-]{0,31}\z/]
