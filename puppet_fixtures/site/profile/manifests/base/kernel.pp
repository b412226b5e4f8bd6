# @summary Kernel settings and modules.
#
# @param settings
#   sysctl settings by key; a key that a container may not write is passed over.
# @param blacklist
#   Modules that must not be loaded.
class profile::base::kernel (
  Hash[Pattern[/\A[a-z0-9_.]+\z/], Variant[Integer, String[1]]] $settings,
  Array[Pattern[/\A[a-z0-9_-]+\z/]] $blacklist,
) {
  $settings.each |$key, $value| {
    file { "/etc/sysctl.d/60-${regsubst($key, '[._]', '-', 'G')}.conf":
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => "-${key} = ${value}\n",
      notify  => Exec['apply sysctl settings'],
    }
  }

  exec { 'apply sysctl settings':
    command     => ['/usr/bin/systemctl', 'restart', 'systemd-sysctl.service'],
    refreshonly => true,
  }

  $blacklist.each |$module| {
    file { "/etc/modprobe.d/no-${module}.conf":
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => "install ${module} /bin/false\n",
    }
  }
}
