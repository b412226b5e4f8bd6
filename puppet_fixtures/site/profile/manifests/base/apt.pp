# @summary APT's settings and pins, and the stamp that proves a successful update.
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

  # apt-daily writes its own stamp also when the update failed: this one only after success.
  file { '/etc/apt/apt.conf.d/90update-success-stamp':
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => "APT::Update::Post-Invoke-Success { \"touch /var/lib/apt/periodic/update-success-stamp || true\"; };\n",
  }
}
