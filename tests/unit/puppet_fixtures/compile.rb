# frozen_string_literal: true

# Compiles the catalogs of many nodes in one process, without a server: reads one JSON object from standard input, writes one to standard output.
#
# In:  {"environmentpath", "environment", "vardir", "nodes": [{"certname", "facts"}]}
# Out: {"nodes": {certname: {"error"} or {"seconds", "resources": [{"type", "title", "exported", "parameters"}]}}}
require 'json'
require 'puppet'

job = JSON.parse($stdin.read)
vardir = job.fetch('vardir')
Puppet.initialize_settings(
  ['--confdir', File.join(vardir, 'conf'), '--vardir', File.join(vardir, 'var'), '--environmentpath', job.fetch('environmentpath'), '--strict', 'error']
)
Puppet[:strict_variables] = true
Puppet::Util::Log.level = :err
Puppet::Util::Log.newdestination(:console) if ENV['WATCHPOST_PUPPET_LOG']

environments = Puppet::Environments::Directories.new(job.fetch('environmentpath'), [])
environment = environments.get!(job.fetch('environment'))

def plain(value)
  case value
  when Hash then value.to_h { |key, item| [key.to_s, plain(item)] }
  when Array then value.map { |item| plain(item) }
  when String, Integer, Float, true, false, nil then value
  when Puppet::Pops::Types::PSensitiveType::Sensitive then '[sensitive]'
  else value.to_s
  end
end

def describe(resource)
  parameters = resource.to_hash.to_h { |name, value| [name.to_s, plain(value)] }
  { 'type' => resource.type.to_s, 'title' => resource.title.to_s, 'exported' => resource.exported? ? true : false, 'virtual' => resource.virtual? ? true : false, 'parameters' => parameters }
end

answers = job.fetch('nodes').to_h do |wanted|
  certname = wanted.fetch('certname')
  # For the stub of puppetdb_query, which answers each node from its own list.
  $compiling_for = certname
  facts = Puppet::Node::Facts.new(certname, wanted.fetch('facts'))
  node = Puppet::Node.new(certname, environment: environment, facts: facts)
  node.merge(facts.values)
  node.trusted_data = { 'authenticated' => 'remote', 'certname' => certname, 'extensions' => {}, 'hostname' => certname.split('.')[0], 'domain' => certname.split('.', 2)[1], 'external' => {} }
  node.add_server_facts('serverversion' => Puppet.version, 'servername' => 'puppet', 'serverip' => '127.0.0.1', 'environment' => 'production')
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  begin
    catalog = Puppet.override(
      { current_environment: environment, loaders: Puppet::Pops::Loaders.new(environment), trusted_information: nil }, 'compile'
    ) { Puppet::Parser::Compiler.compile(node) }
    seconds = Process.clock_gettime(Process::CLOCK_MONOTONIC) - started
    [certname, { 'seconds' => seconds, 'resources' => catalog.resources.map { |resource| describe(resource) } }]
  rescue StandardError => e
    [certname, { 'error' => e.message }]
  end
end
puts JSON.generate('nodes' => answers)
