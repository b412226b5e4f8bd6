# @summary PostgreSQL 17 with the two databases of the stack.
#
# One script makes roles, databases, schemas and the first user, and does nothing twice. It runs only when its text differs
# from the copy kept of the last text that succeeded: an unchanged run starts no psql.
#
# @param icingadb_password
#   Password of the role that Icinga DB writes with.
# @param icingaweb_password
#   Password of the role of Icinga Web, which only reads Icinga DB's database.
# @param admin_password
#   Password of the user `admin` of Icinga Web.
class profile::monitor::postgresql (
  Sensitive[String[1]] $icingadb_password = lookup('secrets::icingadb_db'),
  Sensitive[String[1]] $icingaweb_password = lookup('secrets::icingaweb_db'),
  Sensitive[String[1]] $admin_password = lookup('secrets::web_admin'),
) {
  $configuration = '/etc/postgresql/17/main'
  $scripts = '/var/lib/postgresql/watchpost'
  $budget = $profile::monitor::budget

  # The image has no cluster: it would not be the same bits twice.
  exec { 'create the PostgreSQL cluster':
    command => '/usr/bin/pg_createcluster --locale=C.UTF-8 --encoding=UTF8 17 main -- --data-checksums',
    creates => "${configuration}/postgresql.conf",
    timeout => 900,
  }

  file {
    default:
      ensure  => file,
      owner   => 'postgres',
      group   => 'postgres',
      mode    => '0640',
      require => Exec['create the PostgreSQL cluster'],
      notify  => Service['postgresql@17-main'],
      ;
    "${configuration}/postgresql.conf":
      content => epp('profile/monitor/postgresql.conf.epp', { 'budget' => $budget }),
      ;
    "${configuration}/pg_hba.conf":
      source => 'puppet:///modules/profile/monitor/pg_hba.conf',
      ;
  }

  systemd::dropin_file { 'postgresql@17-main':
    unit     => 'postgresql@17-main.service',
    filename => 'watchpost.conf',
    content  => epp('profile/monitor/units/memory.conf.epp', { 'memory_mib' => $budget['postgresql_max_mib'] }),
    notify   => Service['postgresql@17-main'],
  }

  service { 'postgresql':
    enable => true,
  }
  service { 'postgresql@17-main':
    ensure => running,
  }

  file {
    default:
      owner => 'postgres',
      group => 'postgres',
      ;
    $scripts:
      ensure => directory,
      mode   => '0700',
      ;
    "${scripts}/databases.sql":
      ensure    => file,
      mode      => '0600',
      show_diff => false,
      backup    => false,
      content   => Sensitive(epp('profile/monitor/databases.sql.epp', {
          'icingadb_password'  => $icingadb_password,
          'icingaweb_password' => $icingaweb_password,
          'admin_password'     => $admin_password,
      })),
      ;
  }
  -> exec { 'set up the databases':
    command  => "psql --no-psqlrc --quiet --file=${scripts}/databases.sql && cp ${scripts}/databases.sql ${scripts}/databases.applied",
    unless   => "cmp --silent ${scripts}/databases.sql ${scripts}/databases.applied",
    path     => ['/usr/bin', '/bin'],
    provider => shell,
    user     => 'postgres',
    cwd      => $scripts,
    umask    => '0077',
    timeout  => 900,
    require  => Service['postgresql@17-main'],
  }
}
