# @summary The monitor's own key pair for the checks that log in: read-only access to test repositories, SFTP in a jail.
#
# It opens nothing else: services let it in by a forced command. Root of the monitor gains no shell anywhere with it.
#
# @param private_key
#   The private half, in OpenSSH's format; without it those checks fail and say so.
# @param owner
#   The account that runs plugins.
class monitoring::probe_key (
  Optional[Sensitive[String[1]]] $private_key = lookup('secrets::probe_private_key', { 'default_value' => undef }),
  String[1] $owner = 'nagios',
) {
  if $private_key {
    file {
      default:
        owner => $owner,
        group => 'root',
        ;
      '/etc/watchpost':
        ensure => directory,
        owner  => 'root',
        mode   => '0755',
        ;
      '/etc/watchpost/probe':
        ensure => directory,
        mode   => '0500',
        ;
      '/etc/watchpost/probe/id_ed25519':
        ensure    => file,
        mode      => '0400',
        show_diff => false,
        backup    => false,
        content   => $private_key,
        ;
    }
  }
}
