# @summary APT's settings and pins, and the stamp that proves an update of all sources.
#
# @param settings
#   Settings of APT by file name: option and value.
# @param pins
#   Pins by file name: what, which release, which priority.
class profile::base::apt (
  Hash[Pattern[/\A[0-9]{2}[a-z0-9-]+\z/], Hash[String[1], String]] $settings,
  Hash[Pattern[/\A[a-z0-9-]+\z/], Struct[{ package => String[1], pin => String[1], priority => Integer }]] $pins,
) {
  $settings.each |$name, $options| {
    file { "/etc/apt/apt.conf.d/${name}":
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => $options.map |$option, $value| { "${option} \"${value}\";\n" }.join,
    }
  }

  $pins.each |$name, $pin| {
    file { "/etc/apt/preferences.d/${name}":
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => "Package: ${pin['package']}\nPin: ${pin['pin']}\nPin-Priority: ${pin['priority']}\n",
    }
  }

  # Neither APT's hook for success nor apt-daily's stamp says that no source failed: both take one good source for enough.
  file { '/usr/local/sbin/update-all-sources':
    ensure => file,
    owner  => 'root',
    group  => 'root',
    mode   => '0755',
    source => 'puppet:///modules/profile/base/update-all-sources',
  }
  -> systemd::dropin_file { 'apt-daily':
    unit     => 'apt-daily.service',
    filename => 'update-all-sources.conf',
    # A source that is away for a moment makes no failed unit: the stamp's age tells when it is away for too long.
    content  => "[Service]\nExecStartPost=-/usr/local/sbin/update-all-sources\n",
  }
}
