# @summary PostgreSQL for PuppetDB: cluster 17/main, role and database, on this machine only.
#
# The image holds no cluster, so that it is the same for every lab. The password stands in one file for psql and never
# in a command line; psql reads it from there both to set it and to see whether it holds.
#
# @param password
#   Password of role puppetdb.
# @param shared_buffers_mib
#   Memory for PostgreSQL's own cache.
class profile::puppet::database (
  Sensitive[Pattern[/\A[A-Za-z0-9_-]{16,}\z/]] $password           = lookup('secrets::puppetdb_db'),
  Integer[16]                                  $shared_buffers_mib = 64,
) {
  $etc = '/etc/postgresql/17/main'

  exec { 'pg_createcluster 17 main':
    command => ['/usr/bin/pg_createcluster', '--locale=C.UTF-8', '--encoding=UTF8', '--pgoption=include_dir=conf.d', '17', 'main'],
    creates => "${etc}/postgresql.conf",
  }

  file {
    default:
      ensure  => file,
      owner   => 'root',
      group   => 'postgres',
      mode    => '0640',
      require => Exec['pg_createcluster 17 main'],
      before  => Service['postgresql@17-main'],
      ;
    "${etc}/conf.d":
      ensure => directory,
      mode   => '0750',
      ;
    "${etc}/conf.d/watchpost.conf":
      content => epp('profile/puppet/postgresql.conf.epp', { 'shared_buffers_mib' => $shared_buffers_mib }),
      notify  => Service['postgresql@17-main'],
      ;
    "${etc}/puppetdb.sql":
      source => 'puppet:///modules/profile/puppet/puppetdb.sql',
      ;
    "${etc}/puppetdb.pgpass":
      owner   => 'postgres',
      mode    => '0600',
      content => Sensitive("127.0.0.1:5432:puppetdb:puppetdb:${password.unwrap}\n"),
      ;
  }

  service { 'postgresql@17-main':
    ensure => running,
  }

  exec { 'database of PuppetDB':
    command     => ['/usr/bin/psql', '--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', "--file=${etc}/puppetdb.sql"],
    unless      => [[
      '/usr/bin/psql', '--no-psqlrc', '--no-password', '--host=127.0.0.1', '--username=puppetdb', '--dbname=puppetdb',
      '--command=SELECT show_trgm(\'x\')',
    ]],
    environment => ["PGPASSFILE=${etc}/puppetdb.pgpass"],
    user        => 'postgres',
    cwd         => '/var/lib/postgresql',
    require     => Service['postgresql@17-main'],
  }
}
