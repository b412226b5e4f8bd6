# @summary Which machine starts the plugin: the monitor (looks from outside) or the host's own agent (looks from inside).
type Monitoring::Runs_on = Enum['monitor', 'agent']
