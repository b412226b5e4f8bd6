# @summary A virtual host of nginx: a directory with listings, or a proxy for a daemon on loopback.
#
# @param server_names
#   Names it answers to.
# @param tls
#   HTTPS (and a redirect to it) or plain HTTP.
# @param root
#   Directory to serve.
# @param listing
#   Whether directories are listed.
# @param upstream
#   Port on loopback to pass requests to, instead of a directory.
define profile::vhost (
  Array[String[1], 1] $server_names,
  Boolean $tls = false,
  Optional[Pattern[/\A\/[a-z0-9_.\/-]+\z/]] $root = undef,
  Boolean $listing = false,
  Optional[Integer[1, 65535]] $upstream = undef,
) {
  include profile::http_server

  file { "/etc/nginx/sites-enabled/${title}.conf":
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('profile/vhost.conf.epp', {
        'server_names' => $server_names,
        'tls'          => $tls,
        'root'         => $root,
        'listing'      => $listing,
        'upstream'     => $upstream,
    }),
    notify  => Service['nginx'],
  }
}
