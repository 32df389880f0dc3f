// Names of configuration sections of Klipper and its common extensions; others are an error, as in Klipper.

const SINGLE = `
adaptive_mesh adc_scaled adxl345 angle axis_twist_compensation bed_mesh bed_screws bed_tilt beacon bltouch board_pins
bulk_sensor canbus_ids canbus_query cartographer constants danger_options dual_carriage delta_calibrate display
display_data display_glyph display_status display_template dockable_probe dotstar ds18b20 duplicate_pin_override
endstop_phase exclude_object extruder extruder_stepper fan fan_generic filament_motion_sensor filament_switch_sensor
firmware_retraction force_move frame_expansion_compensation gcode_arcs gcode_button gcode_macro gcode_shell_command
hall_filament_width_sensor hd44780 heater_bed heater_fan heater_generic homing_heaters homing_override htu21d
idle_timeout input_shaper ir_sensor kinematics led led_effect lis2dw lis3dh load_cell load_cell_probe lm75 lis2dh
manual_probe manual_stepper mcp4018 mcp4451 mcp4728 mcu menu mpu9250 multi_pin neopixel output_pin palette2 pause_resume
pca9533 pca9632 pid_calibrate print_stats printer probe probe_eddy_current pwm_cycle_time pwm_tool quad_gantry_level
replicape resonance_tester respond rp2040 safe_z_home save_variables screws_tilt_adjust sdcard_loop servo sht3x skew_correction
smart_effector static_digital_output stepper_enable statistics sx1509 t5uid1 telemetry temperature_combined temperature_fan temperature_host
temperature_mcu temperature_probe temperature_sensor thermistor tmc2130 tmc2208 tmc2209 tmc2240 tmc2660 tmc5160 tools_calibrate
toolchanger tool tuning_tower tsl1401cl_filament_width_sensor uc1701 verify_heater virtual_sdcard z_calibration z_thermal_adjust
z_tilt z_tilt_ng adc_temperature bme280 bme680 aht10 aht2x sht21 hx711 hx717 ads1220 ads1118 ads1x1x ads131m02 controller_fan
delayed_gcode shaketune auto_speed motion_report query_adc query_endstops heaters gcode_move system_stats homing
carriage delayed_gcode skew_correction timelapse mmu mmu_machine mmu_sensors mmu_servo mmu_leds mmu_encoder
virtual_printer bd_sensor bdpressure autotune_tmc klicky_probe nozzle_clear ercf trad_rack belay happy_hare stealthburner_leds
`

const NAMES = new Set(SINGLE.split(/\s+/).filter(name => name !== ''))
const PATTERNS = [/^stepper_\w+$/, /^extruder\d+$/, /^mmu_/, /^carriage_/, /^tmc\d+$/]

/** Whether printer.cfg may contain a section of this name. */
export function isKnownSection(name: string): boolean {
  const kind = name.split(/\s/, 1)[0]!.toLowerCase()
  return NAMES.has(kind) || PATTERNS.some(pattern => pattern.test(kind))
}
