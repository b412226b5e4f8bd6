# @summary An account that transfers files in a jail and does nothing else: SFTP by key, no shell, no forwarding. Its title is its name.
#
# @param root
#   The jail. What is in it is up to whoever declares the account.
# @param keys
#   Public keys that may log in.
define profile::sftp_account (
  Pattern[/\A\/[a-z0-9_.\/-]+\z/] $root,
  Array[Pattern[/\Assh-ed25519 [A-Za-z0-9+\/=]+\z/]] $keys,
) {
  include profile::ssh_server

  group { $title:
    ensure => present,
    system => true,
  }
  -> user { $title:
    ensure => present,
    system => true,
    gid    => $title,
    home   => $root,
    # OpenSSH runs internal-sftp itself; a shell is what this account must not have.
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
    [$root, "/etc/ssh/${title}"]:
      ensure => directory,
      mode   => '0755',
      ;
    "/etc/ssh/${title}/authorized_keys":
      content => $keys.map |$key| { "restrict ${key}\n" }.join,
      ;
    "/etc/ssh/sshd_config.d/60-${title}.conf":
      content => epp('profile/sftp_account/sshd.conf.epp', { 'account' => $title, 'root' => $root }),
      require => File['/etc/ssh/sshd_config.d'],
      notify  => Service['ssh'],
      ;
  }
}
