# @summary Who is told by mail of what Icinga notices.
#
# @param people
#   Names with addresses, and the roles of the hosts that are theirs; one at least is told of everything.
# @param limits
#   Other limits than the usual.
class profile::monitor::notifications (
  Hash[Notifier::Name, Notifier::Person, 1] $people,
  Notifier::Limits $limits = {},
) {
  class { 'notifier':
    people => $people,
    limits => $limits,
    web    => "https://monitor.${profile::monitor::domain}/icingaweb2/",
  }
  contain notifier
}
