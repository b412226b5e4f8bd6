# @summary The key whose signature the checks of APT repositories want to see.
#
# @param public_key
#   The public key, armoured; without it those checks fail and say so.
class monitoring::repository_key (
  Optional[Pattern[/\A-----BEGIN PGP PUBLIC KEY BLOCK-----\n/]] $public_key = lookup('lab::apt_repository_key', { 'default_value' => undef }),
) {
  if $public_key {
    file { '/usr/local/lib/watchpost/apt-repository.asc':
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => $public_key,
    }
  }
}
