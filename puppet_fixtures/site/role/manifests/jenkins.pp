# @summary The build server.
class role::jenkins {
  include profile::base
  include profile::jenkins
}
