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
  include profile::ssh_server
  $owner = 'overview'
  $root = '/srv/overview'

  user { $owner:
    ensure => present,
    system => true,
    home   => $root,
    shell  => '/usr/sbin/nologin',
  }
  -> file {
    default:
      ensure => file,
      owner  => 'root',
      group  => 'root',
      mode   => '0644',
      ;
    # sshd wants a jail that nobody but root can change.
    [$root, '/etc/ssh/overview']:
      ensure => directory,
      mode   => '0755',
      ;
    "${root}/public":
      ensure => directory,
      owner  => $owner,
      mode   => '0755',
      ;
    '/etc/ssh/overview/authorized_keys':
      content => $keys.map |$key| { "restrict ${key}\n" }.join,
      ;
    '/etc/ssh/sshd_config.d/60-overview.conf':
      source  => 'puppet:///modules/profile/overview_site/sshd.conf',
      require => File['/etc/ssh/sshd_config.d'],
      notify  => Service['ssh'],
      ;
  }

  profile::vhost { 'overview':
    server_names => $server_names,
    root         => "${root}/public",
  }
}
