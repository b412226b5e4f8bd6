# @summary Nightly builds.
class role::nightly_builds {
  include profile::base
  include profile::nightly_builds
}
