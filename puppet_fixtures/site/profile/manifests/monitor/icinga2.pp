# @summary Icinga 2: master of the zone `master`, which accepts neither configuration nor commands from anybody.
#
# Constants, zones and features are static files; what varies is below watchpost.d alone. Configuration belongs to root: the
# daemon can read it and can not change it.
#
# @param harness
#   Name in the client certificate that may ask the API, and may only ask.
# @param redis_password
#   Password of Valkey.
# @param commands_password
#   Password with which Icinga Web may acknowledge problems, and do nothing else.
class profile::monitor::icinga2 (
  Pattern[/\A[a-z0-9.-]+\z/] $harness = "harness.${profile::monitor::domain}",
  Sensitive[String[1]] $redis_password = lookup('secrets::redis'),
  Sensitive[String[1]] $commands_password = lookup('secrets::web_commands'),
) {
  $budget = $profile::monitor::budget
  $features = '/etc/icinga2/features-enabled'
  $static = [
    'icinga2.conf', 'zones.conf', 'watchpost.d/templates.conf',
    'features-enabled/checker.conf', 'features-enabled/notification.conf', 'features-enabled/journald.conf',
  ]

  file {
    default:
      ensure => file,
      owner  => 'root',
      group  => 'nagios',
      mode   => '0640',
      notify => Service['icinga2'],
      ;
    ['/etc/icinga2', '/etc/icinga2/watchpost.d']:
      ensure => directory,
      mode   => '0750',
      ;
    $features:
      ensure  => directory,
      mode    => '0750',
      recurse => true,
      purge   => true,
      force   => true,
      ;
    '/etc/icinga2/constants.conf':
      content => epp('profile/monitor/icinga2/constants.conf.epp', { 'endpoint' => $profile::monitor::endpoint }),
      ;
    "${features}/api.conf":
      show_diff => false,
      backup    => false,
      content   => Sensitive(epp('profile/monitor/icinga2/api.conf.epp', { 'harness' => $harness, 'commands_password' => $commands_password })),
      ;
    "${features}/icingadb.conf":
      show_diff => false,
      backup    => false,
      content   => Sensitive(epp('profile/monitor/icinga2/icingadb.conf.epp', { 'password' => $redis_password })),
      ;
  }
  $static.each |$name| {
    file { "/etc/icinga2/${name}":
      ensure => file,
      owner  => 'root',
      group  => 'nagios',
      mode   => '0640',
      source => "puppet:///modules/profile/monitor/icinga2/${name}",
      notify => Service['icinga2'],
    }
  }

  include monitoring::commands
  include monitoring::collector
  Class['monitoring::commands'] ~> Service['icinga2']
  Class['monitoring::collector'] ~> Service['icinga2']

  systemd::dropin_file { 'icinga2':
    unit     => 'icinga2.service',
    filename => 'watchpost.conf',
    content  => epp('profile/monitor/units/icinga2.conf.epp', { 'memory_mib' => $budget['icinga2_max_mib'], 'tasks' => $budget['icinga2_tasks'] }),
    notify   => Service['icinga2'],
  }

  file { '/usr/local/lib/watchpost/refresh-icinga2':
    ensure => file,
    owner  => 'root',
    group  => 'root',
    mode   => '0755',
    source => 'puppet:///modules/profile/monitor/refresh-icinga2',
  }
  -> service { 'icinga2':
    ensure    => running,
    enable    => true,
    restart   => '/usr/local/lib/watchpost/refresh-icinga2',
    subscribe => Class['profile::monitor::icinga_certificate'],
  }
}
