# @summary The machine that compiles every catalog: Puppet server with its CA, PuppetDB, PostgreSQL.
#
# Never on the monitoring machine: who owns the monitor must not own the rest. Applied on the machine itself by
# `puppet apply`, as there is no server yet that could compile it.
class role::puppet {
  class { 'profile::packages':
    kind => 'puppet',
  }
  include profile::puppet::firewall
  include profile::puppet::lab_data
  include profile::puppet::ca
  include profile::puppet::server
  include profile::puppet::database
  include profile::puppet::puppetdb

  Class['profile::packages']
  -> Class['profile::puppet::lab_data']
  -> Class['profile::puppet::ca']
  -> Class['profile::puppet::server']

  # The server is started before the database is built, so that both Java processes load side by side.
  Class['profile::puppet::server'] -> Class['profile::puppet::database'] -> Class['profile::puppet::puppetdb']
}
