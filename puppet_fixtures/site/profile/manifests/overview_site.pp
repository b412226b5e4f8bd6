# @summary Where the public overview is read: a virtual host of static files, and the account whose SFTP puts them there.
#
# @param server_names
#   Names of the virtual host.
# @param keys
#   Public keys that may put files there.
class profile::overview_site (
  Array[String[1], 1] $server_names = ["overview.${lookup('lab::domain')}"],
  Array[Pattern[/\Assh-ed25519 [A-Za-z0-9+\/=]+\z/]] $keys = [lookup('lab::overview_public_key', { 'default_value' => undef })].filter |$key| { $key },
) {
  $account = 'overview'
  $root = '/srv/overview'

  profile::sftp_account { $account:
    root => $root,
    keys => $keys,
  }
  -> file { "${root}/public":
    ensure => directory,
    owner  => $account,
    group  => 'root',
    mode   => '0755',
  }

  profile::vhost { 'overview':
    server_names => $server_names,
    root         => "${root}/public",
  }
}
