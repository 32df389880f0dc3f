// API document: "Button Event". Events of buttons at GPIO pins.
import { bool, choice, float, type Infer, json, object, string } from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'

const seconds = (about: string) => float().describe(about)

/** A press or a release. */
const ButtonEvent = object({
  elapsed_time: seconds('Seconds since the event before; since the start for the first one'),
  received_time: seconds('When it happened, in seconds on the monotonic clock of the machine'),
  render_time: seconds('When its template started, on the same clock'),
  pressed: bool(),
})
export type ButtonEvent = Infer<typeof ButtonEvent>

export const buttons = chapter({
  title: 'Button Events',
  about: 'Events of buttons whose templates call send_notification',
  notifications: {
    notify_button_event: notification(
      'A button was pressed or released',
      object({
        name: string().describe('The name of the button'),
        type: choice('gpio'),
        event: ButtonEvent,
        aux: json().describe('The argument of send_notification; null without one'),
      }),
    ),
  },
})
