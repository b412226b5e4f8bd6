# @summary The sysadmins' accounts and the groups they are in.
#
# @param groups
#   Groups by name, with their numbers.
# @param users
#   Accounts by name: number, full name, groups, public keys.
# @param absent
#   Accounts that used to be.
class profile::base::accounts (
  Hash[Pattern[/\A[a-z][a-z0-9-]*\z/], Integer[1000, 59999]] $groups,
  Hash[Pattern[/\A[a-z][a-z0-9-]*\z/], Struct[{ uid => Integer[1000, 59999], name => String[1], groups => Array[String[1]], keys => Array[String[1]] }]] $users,
  Array[String[1]] $absent = [],
) {
  $groups.each |$name, $gid| {
    group { $name:
      ensure => present,
      gid    => $gid,
    }
  }

  $users.each |$name, $account| {
    group { $name:
      ensure => present,
      gid    => $account['uid'],
    }
    user { $name:
      ensure         => present,
      uid            => $account['uid'],
      gid            => $name,
      comment        => $account['name'],
      groups         => $account['groups'],
      home           => "/home/${name}",
      shell          => '/bin/bash',
      purge_ssh_keys => false,
    }
    file {
      default:
        owner => $name,
        group => $name,
        mode  => '0600',
        ;
      "/home/${name}":
        ensure => directory,
        mode   => '0700',
        ;
      "/home/${name}/.ssh":
        ensure => directory,
        mode   => '0700',
        ;
      "/home/${name}/.ssh/authorized_keys":
        ensure  => file,
        content => $account['keys'].map |$key| { "${key} ${name}\n" }.join,
        ;
      "/home/${name}/.gitconfig":
        ensure  => file,
        content => epp('profile/base/gitconfig.epp', { 'name' => $account['name'], 'address' => "${name}@${lookup('lab::domain')}" }),
        ;
    }
  }

  user { $absent:
    ensure => absent,
  }
}
