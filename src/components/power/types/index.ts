// The types of power devices. Each module is loaded when a section of its type exists.
import type { DriverModule } from '../driver.ts'
import type { PowerType } from '../options.ts'

/** Loads the module of a type. */
export const driverLoaders: { readonly [T in PowerType]: () => Promise<DriverModule<T>> } = {
  http: () => import('./http.ts'),
  tasmota: () => import('./tasmota.ts'),
  shelly: () => import('./shelly.ts'),
  homeseer: () => import('./homeseer.ts'),
  homeassistant: () => import('./homeassistant.ts'),
  loxonev1: () => import('./loxonev1.ts'),
  smartthings: () => import('./smartthings.ts'),
  hue: () => import('./hue.ts'),
  tplink_smartplug: () => import('./tplink_smartplug.ts'),
  klipper_device: () => import('./klipper_device.ts'),
  mqtt: () => import('./mqtt.ts'),
  gpio: () => import('./gpio.ts'),
  rf: () => import('./rf.ts'),
  uhubctl: () => import('./uhubctl.ts'),
}
