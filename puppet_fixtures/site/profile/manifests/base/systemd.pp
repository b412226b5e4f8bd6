# @summary Drop-ins for the settings and units of systemd.
#
# @param settings
#   Settings of a daemon of systemd (as journald.conf): lines by section.
# @param units
#   Settings of a unit (as cron.service): lines by section.
class profile::base::systemd (
  Hash[Pattern[/\A[a-z]+\.conf\z/], Hash[String[1], Hash[String[1], Variant[Integer, String]]]] $settings,
  Hash[Systemd::Unit, Hash[String[1], Hash[String[1], Variant[Integer, String]]]] $units,
) {
  include systemd

  $settings.each |$target, $sections| {
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
      content => epp('profile/base/drop-in.conf.epp', { 'sections' => $sections }),
      notify  => Class['systemd::systemctl::daemon_reload'],
    }
  }

  $units.each |$unit, $sections| {
    systemd::dropin_file { $unit:
      unit     => $unit,
      filename => '50-site.conf',
      content  => epp('profile/base/drop-in.conf.epp', { 'sections' => $sections }),
    }
  }
}
