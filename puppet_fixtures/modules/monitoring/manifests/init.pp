# @summary What this node does with the checks that its classes declare.
#
# @param export
#   Whether the node exports its checks, so that the monitor collects them.
# @param agent
#   Whether the node runs an Icinga 2 agent, which then executes the checks with `runs_on => 'agent'`.
# @param directory
#   Where the agent reads its services from. Owned by this class: what no check declares is removed.
# @param max_vars
#   How many variables one check may have.
# @param compress
#   By what the intervals of this node's checks are divided, for a rehearsal: with 10, an hour has as many checks as ten hours have otherwise.
class monitoring (
  Boolean $export = true,
  Boolean $agent = true,
  Pattern[/\A\/[a-z0-9_.\/-]+\z/] $directory = '/etc/icinga2/watchpost.d/services',
  Integer[1] $max_vars = 64,
  Integer[1, 60] $compress = 1,
) {
  if $export {
    include monitoring::host
  }
  if $agent {
    include monitoring::agent
  }
}
