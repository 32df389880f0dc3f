// The options of [button NAME].
import { template } from '../../config/index.ts'
import { choice, float, string } from '../../schema/index.ts'

export const buttonOptions = {
  type: choice('gpio').describe('How the button is connected').default('gpio'),
  pin: string().describe(
    'The pin, such as ^gpiochip0/gpio26: ^ in front of it is a pull-up, ~ a pull-down, ! inverts it',
  ),
  debounce_period: float({ min: 0.01, max: 10 })
    .describe('A change counts when the level has been stable for this time')
    .unit('s')
    .default(0.05),
  minimum_event_time: float({ min: 0 })
    .describe('An event sooner than this after the one before is ignored')
    .unit('s')
    .default(0),
  call_timeout: float({ above: 0, max: 86_400 })
    .describe('The longest time that a template waits for a call of call_method')
    .unit('s')
    .default(600),
  on_press: template().describe('Template that runs when the button is pressed').optional(),
  on_release: template().describe('Template that runs when the button is released').optional(),
}
