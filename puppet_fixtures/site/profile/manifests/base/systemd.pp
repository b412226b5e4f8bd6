# @summary Drop-ins for the settings and units of systemd.
#
# @param drop_ins
#   What a drop-in extends (relative to /etc/systemd, as journald.conf or system/cron.service) with its lines by section.
class profile::base::systemd (
  Hash[Pattern[/\A(system\/)?[a-z0-9@-]+\.[a-z]+\z/], Hash[String[1], Hash[String[1], Variant[Integer, String]]]] $drop_ins,
) {
  exec { 'reload systemd after drop-ins':
    command     => ['/usr/bin/systemctl', 'daemon-reload'],
    refreshonly => true,
  }

  $drop_ins.each |$target, $sections| {
    $text = $sections.map |$section, $lines| {
      "[${section}]\n${$lines.map |$key, $value| { "${key}=${value}\n" }.join}"
    }
    file { "/etc/systemd/${target}.d":
      ensure => directory,
      owner  => 'root',
      group  => 'root',
      mode   => '0755',
    }
    file { "/etc/systemd/${target}.d/50-site.conf":
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => $text.join("\n"),
      notify  => Exec['reload systemd after drop-ins'],
    }
  }
}
