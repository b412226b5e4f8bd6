# @summary What a person meets who logs in: message of the day, shell settings, limits.
#
# @param profiles
#   Fragments of /etc/profile.d by name.
# @param limits
#   Lines of limits.d by name.
# @param editors
#   Files below /etc by path, for tools that people use.
class profile::base::shell (
  Hash[Pattern[/\A[a-z0-9-]+\z/], Array[String[1]]] $profiles,
  Hash[Pattern[/\A[a-z0-9-]+\z/], Array[String[1]]] $limits,
  Hash[Pattern[/\A[A-Za-z0-9_.\/-]+\z/], Array[String[1]]] $editors,
) {
  file { '/etc/motd':
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => "${trusted['certname']}: ${lookup('role')}. Managed by Puppet: what you change by hand will not last.\n",
  }

  $fragments = {
    'profile.d'         => [$profiles, 'sh'],
    'security/limits.d' => [$limits, 'conf'],
  }
  $fragments.each |$directory, $what| {
    $what[0].each |$name, $lines| {
      file { "/etc/${directory}/site-${name}.${what[1]}":
        ensure  => file,
        owner   => 'root',
        group   => 'root',
        mode    => '0644',
        content => "${lines.join("\n")}\n",
      }
    }
  }

  $editors.each |$path, $lines| {
    file { "/etc/${path}":
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => "${lines.join("\n")}\n",
    }
  }
}
