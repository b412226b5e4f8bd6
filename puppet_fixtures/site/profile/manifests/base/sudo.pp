# @summary Who may do what as another user. Every command is spelt out; none has a wildcard.
#
# @param rules
#   Lines of sudoers by the name of their file.
class profile::base::sudo (
  Hash[Pattern[/\A[a-z0-9-]+\z/], Array[String[1]]] $rules,
) {
  file { '/etc/sudoers.d':
    ensure  => directory,
    owner   => 'root',
    group   => 'root',
    mode    => '0755',
    recurse => true,
    purge   => true,
  }

  $rules.each |$name, $lines| {
    file { "/etc/sudoers.d/${name}":
      ensure       => file,
      owner        => 'root',
      group        => 'root',
      mode         => '0440',
      content      => "${lines.join("\n")}\n",
      # A broken file would lock everybody out of sudo.
      validate_cmd => '/usr/sbin/visudo -cf %',
    }
  }
}
