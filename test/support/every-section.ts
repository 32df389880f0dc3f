// The sections that make the server serve every chapter of the contract.

/**
 * One entry for each component that is served only where it is configured, with the options it requires.
 * A component that is added to the server gets its entry here. Nothing answers at the addresses.
 */
export const everySection = [
  '[button]',
  '[fleet]\nengine: nats://127.0.0.1:1',
  '[metrics]',
  '[mqtt]\naddress: 127.0.0.1\nport: 1',
  '[notifier]',
  '[octoprint_compat]',
  '[power]',
  '[sensor]',
  '[spoolman]\nserver: 127.0.0.1:1',
  '[update_manager]\nenable_system_updates: False',
  '[timelapse]\noutput_path: {data}/timelapse',
  '[td1]',
  '[wled]',
  '',
].join('\n')
