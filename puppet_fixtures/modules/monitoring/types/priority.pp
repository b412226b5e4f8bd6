# @summary How much an alert of this check matters; who is told how is decided on the monitor.
type Monitoring::Priority = Enum['critical', 'high', 'medium', 'low']
