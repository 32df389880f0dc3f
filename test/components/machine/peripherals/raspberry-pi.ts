// A Raspberry Pi with what printers have plugged into it.
import { MachineFolder } from '../../../support/machine-folder.ts'

const SOC = '/sys/devices/platform/soc'
const USB = `${SOC}/3f980000.usb/usb1`

/**
 * A Raspberry Pi: a hub with a webcam, a Klipper board, a CH340 and a USB stick behind it, a camera on the ribbon, and
 * both of its UARTs, the second as Linux 6.5 and later have them.
 */
export function raspberryPi(): MachineFolder {
  const pi = new MachineFolder()
  addUsb(pi)
  addSerial(pi)
  addVideo(pi)
  return pi
}

function addUsb(pi: MachineFolder): void {
  const hub = { bDeviceClass: '09', bDeviceSubClass: '00', bDeviceProtocol: '01' }
  pi.usb(USB, {
    ...hub,
    busnum: '1',
    devnum: '1',
    idVendor: '1d6b',
    idProduct: '0002',
    manufacturer: 'Linux 6.1.0-rpi7-rpi-v8 dwc_otg_hcd',
    product: 'DWC OTG Controller',
    serial: '3f980000.usb',
  })
  pi.usb(`${USB}/1-1`, { ...hub, busnum: '1', devnum: '2', idVendor: '1a40', idProduct: '0101' })
  pi.usb(`${USB}/1-1/1-1.1`, {
    bDeviceClass: 'EF',
    bDeviceSubClass: '02',
    bDeviceProtocol: '01',
    busnum: '1',
    devnum: '10',
    idVendor: '046D',
    idProduct: '0825',
    serial: '66EF0390',
  })
  pi.usb(`${USB}/1-1/1-1.2`, {
    bDeviceClass: '02',
    busnum: '1',
    devnum: '4',
    idVendor: '1d50',
    idProduct: '614e',
    manufacturer: 'Klipper',
    product: 'stm32f407xx',
    serial: '2A0038000B50',
  })
  pi.usb(`${USB}/1-1/1-1.4`, {
    bDeviceClass: 'ff',
    busnum: '1',
    devnum: '5',
    idVendor: '1a86',
    idProduct: '7523',
    product: 'USB Serial',
  })
  // The interfaces of devices are next to them.
  pi.device(`${USB}/1-1/1-1.2/1-1.2:1.0`, { bInterfaceClass: '02' }, 'usb/cdc_acm')
  pi.sysLink('/sys/bus/usb/devices/1-1.2:1.0', `${USB}/1-1/1-1.2/1-1.2:1.0`)
}

function addSerial(pi: MachineFolder): void {
  pi.node('tty', 'ttyACM0', `${USB}/1-1/1-1.2/1-1.2:1.0`, { dev: '166:0' })
  pi.device(`${USB}/1-1/1-1.4/1-1.4:1.0/ttyUSB0`, { port_number: '0' }, 'usb-serial/ch341-uart')
  pi.node('tty', 'ttyUSB0', `${USB}/1-1/1-1.4/1-1.4:1.0/ttyUSB0`, { dev: '188:0' })
  pi.device(`${SOC}/3f201000.serial`, {}, 'amba/uart-pl011')
  pi.node('tty', 'ttyAMA0', `${SOC}/3f201000.serial`, { uartclk: '48000000', port: '0x0', type: '32' })
  pi.device(`${SOC}/3f215040.serial`, {}, 'platform/bcm2835-aux-uart')
  pi.device(`${SOC}/3f215040.serial/3f215040.serial:0`, {}, 'serial-base/ctrl')
  pi.device(`${SOC}/3f215040.serial/3f215040.serial:0/3f215040.serial:0.0`, {}, 'serial-base/port')
  const port = `${SOC}/3f215040.serial/3f215040.serial:0/3f215040.serial:0.0`
  pi.node('tty', 'ttyS0', port, { uartclk: '500000000', port: '0x0', type: '4' })
  // A console has no hardware behind it.
  pi.device('/sys/devices/virtual/tty/tty1', { dev: '4:1' })
  pi.sysLink('/sys/class/tty/tty1', '/sys/devices/virtual/tty/tty1')
  pi.link('/dev/serial/by-id/usb-Klipper_stm32f407xx_2A0038000B50-if00', '../../ttyACM0')
  pi.link('/dev/serial/by-path/platform-3f980000.usb-usb-0:1.2:1.0', '../../ttyACM0')
  pi.link('/dev/serial/by-path/platform-3f980000.usb-usb-0:1.4:1.0-port0', '../../ttyUSB0')
}

function addVideo(pi: MachineFolder): void {
  pi.device(`${SOC}/3f801000.csi`, {}, 'platform/unicam')
  pi.node('video4linux', 'video0', `${SOC}/3f801000.csi`, { name: 'unicam-image', index: '0' })
  const camera = `${USB}/1-1/1-1.1/1-1.1:1.0`
  pi.device(camera, {}, 'usb/uvcvideo')
  pi.node('video4linux', 'video10', camera, { name: 'UVC Camera (046d:0825)', index: '0' })
  pi.node('video4linux', 'video2', camera, { name: 'UVC Camera (046d:0825)', index: '1' })
  pi.node('video4linux', 'v4l-subdev0', `${SOC}/3f801000.csi`, { name: 'ov5647 10-0036' })
  pi.link('/dev/v4l/by-path/platform-3f801000.csi-video-index0', '../../video0')
  pi.link('/dev/v4l/by-path/platform-3f980000.usb-usb-0:1.1:1.0-video-index0', '../../video10')
  pi.link('/dev/v4l/by-path/platform-3f980000.usb-usbv2-0:1.1:1.0-video-index0', '../../video10')
  pi.link('/dev/v4l/by-id/usb-046d_0825_66EF0390-video-index0', '../../video10')
}
