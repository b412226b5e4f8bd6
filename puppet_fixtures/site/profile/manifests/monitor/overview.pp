# @summary The public overview, where the site's data says where it goes; else nothing of it.
#
# @param target
#   Account and file on a web server.
# @param private_key
#   The key that the web server lets in.
# @param host_key
#   The web server's own public key.
class profile::monitor::overview (
  Optional[Overview::Target] $target = undef,
  Optional[Sensitive[String[1]]] $private_key = lookup('secrets::overview_private_key', { 'default_value' => undef }),
  Optional[String[1]] $host_key = undef,
) {
  class { 'overview':
    target      => $target,
    private_key => $private_key,
    host_key    => $host_key,
  }
  contain overview
}
