# @summary Seeds releases by BitTorrent.
class role::bittorrent {
  include profile::base
  include profile::bittorrent
}
