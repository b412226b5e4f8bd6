# @summary Packets the machine `puppet` takes: SSH from the hypervisor, the Puppet port from the lab, nothing else.
#
# PuppetDB's ports stay on the machine: who tests its refusals comes through SSH.
#
# @param gateway
#   The hypervisor's address in the lab.
# @param network
#   The lab's network.
class profile::puppet::firewall (
  Stdlib::IP::Address::V4::Nosubnet $gateway = lookup('lab::gateway'),
  Stdlib::IP::Address::V4::CIDR     $network = lookup('lab::network'),
) {
  file { '/etc/nftables.conf':
    ensure       => file,
    owner        => 'root',
    group        => 'root',
    mode         => '0755',
    content      => epp('profile/puppet/nftables.conf.epp', { 'gateway' => $gateway, 'network' => $network }),
    validate_cmd => '/usr/sbin/nft --check --file %',
    notify       => Service['nftables'],
  }

  service { 'nftables':
    ensure  => running,
    enable  => true,
    restart => '/usr/bin/systemctl reload nftables.service',
  }
}
