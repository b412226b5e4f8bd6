# @summary The packet filter: what is not named here is dropped.
#
# @param network
#   The lab's network: agents connect from there.
# @param gateway
#   The hypervisor's address in it, from which the harness asks.
class profile::monitor::firewall (
  Stdlib::IP::Address::V4::CIDR $network = lookup('lab::network'),
  Stdlib::IP::Address::V4::Nosubnet $gateway = lookup('lab::gateway'),
) {
  file { '/etc/nftables.conf':
    ensure       => file,
    owner        => 'root',
    group        => 'root',
    mode         => '0644',
    content      => epp('profile/monitor/nftables.conf.epp', { 'network' => $network, 'gateway' => $gateway }),
    validate_cmd => '/usr/sbin/nft --check --file %',
  }
  ~> service { 'nftables':
    ensure  => running,
    enable  => true,
    restart => '/usr/bin/systemctl reload nftables.service',
  }
}
