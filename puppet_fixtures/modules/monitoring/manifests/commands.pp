# @summary Check commands and own plugins, one file each; on the monitor and on agents.
#
# Plugins of Debian come from the machine's package list. Here are only those that Debian lacks.
#
# @param directory
#   Where Icinga 2 reads check commands from.
# @param plugins
#   Where own plugins go; not below a directory that the daemon's user may write to.
class monitoring::commands (
  Pattern[/\A\/[a-z0-9_.\/-]+\z/] $directory = '/etc/icinga2/watchpost.d/commands',
  Pattern[/\A\/[a-z0-9_.\/-]+\z/] $plugins = '/usr/local/lib/watchpost/plugins',
) {
  file { '/usr/local/lib/watchpost':
    ensure => directory,
    owner  => 'root',
    group  => 'root',
    mode   => '0755',
  }

  file { $plugins:
    ensure  => directory,
    owner   => 'root',
    group   => 'root',
    mode    => '0755',
    recurse => true,
    purge   => true,
    force   => true,
    source  => 'puppet:///modules/monitoring/plugins',
  }

  file { $directory:
    ensure  => directory,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    recurse => true,
    purge   => true,
    force   => true,
    source  => 'puppet:///modules/monitoring/commands',
  }

  Class['monitoring::commands'] ~> Service <| title == 'icinga2' |>
}
