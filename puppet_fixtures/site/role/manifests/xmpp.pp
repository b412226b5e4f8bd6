# @summary The XMPP server.
class role::xmpp {
  include profile::base
  include profile::xmpp
}
