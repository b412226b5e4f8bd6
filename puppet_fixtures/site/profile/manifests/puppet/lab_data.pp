# @summary Directories for what the harness writes: data of the lab and its nodes, secrets of nodes that may enrol.
#
# The server reads them as user puppet, and nobody else does.
class profile::puppet::lab_data {
  file { ['/etc/puppet/lab', '/etc/puppet/lab/nodes', '/etc/puppet/lab/enrolment']:
    ensure => directory,
    owner  => 'root',
    group  => 'puppet',
    mode   => '0750',
  }
}
