// The description of the server as a UPnP device (UPnP Device Architecture 2.0, section 2.3), in XML.
import { CONFIG_ID, DEVICE_TYPE } from './ssdp-message.ts'

/** The content of the description. */
export interface DeviceDescription {
  /** For people. */
  readonly name: string
  /** With hyphens. */
  readonly uuid: string
  readonly version: string
  /** Where a browser finds the server. */
  readonly url: string
}

/** The document. */
export function deviceDescription({ name, uuid, version, url }: DeviceDescription): string {
  const fields = {
    deviceType: DEVICE_TYPE,
    friendlyName: name,
    manufacturer: 'moonraker-ts',
    modelDescription: 'API server for Klipper',
    modelName: 'Moonraker',
    modelNumber: version,
    serialNumber: uuid.replaceAll('-', ''),
    UDN: `uuid:${uuid}`,
    presentationURL: url,
  }
  const device = Object.entries(fields).map(([key, value]) => `    <${key}>${escapeXml(value)}</${key}>`)
  return `<?xml version="1.0" encoding="utf-8"?>
<root xmlns="urn:schemas-upnp-org:device-1-0" configId="${CONFIG_ID}">
  <specVersion>
    <major>2</major>
    <minor>0</minor>
  </specVersion>
  <device>
${device.join('\n')}
  </device>
</root>
`
}

/** Text between tags, without the characters that XML 1.0 cannot contain. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}
