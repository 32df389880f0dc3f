// The printer that people get who have none: a common bed slinger with the macros that front-ends expect.

/** The text of a printer.cfg for the virtual printer, complete with macros. */
export function defaultPrinterCfg(): string {
  return `# A virtual printer: a cartesian machine of 250 x 250 x 250 mm, with some room at the edges
# for the purge lines of other machines' files. Its pins lead nowhere; everything else works as on a
# real one. Edit it and RESTART.

[mcu]
serial: /dev/virtual

[printer]
kinematics: cartesian
max_velocity: 300
max_accel: 3000
max_z_velocity: 15
max_z_accel: 300
square_corner_velocity: 5.0

[stepper_x]
step_pin: PB9
dir_pin: PC2
enable_pin: !PC3
microsteps: 16
rotation_distance: 40
endstop_pin: ^PA5
position_endstop: 0
position_min: -10
position_max: 260
homing_speed: 80

[stepper_y]
step_pin: PB7
dir_pin: PB8
enable_pin: !PC3
microsteps: 16
rotation_distance: 40
endstop_pin: ^PA6
position_endstop: 0
position_min: -10
position_max: 260
homing_speed: 80

[stepper_z]
step_pin: PB5
dir_pin: !PB6
enable_pin: !PC3
microsteps: 16
rotation_distance: 8
endstop_pin: probe:z_virtual_endstop
position_min: -2
position_max: 250
homing_speed: 10

[extruder]
step_pin: PB3
dir_pin: PB4
enable_pin: !PC3
microsteps: 16
rotation_distance: 7.7
nozzle_diameter: 0.400
filament_diameter: 1.750
heater_pin: PA1
sensor_type: EPCOS 100K B57560G104F
sensor_pin: PC5
control: pid
pid_kp: 21.527
pid_ki: 1.063
pid_kd: 108.982
min_temp: 0
max_temp: 300
max_extrude_only_distance: 200
max_extrude_cross_section: 5
pressure_advance: 0.04

[heater_bed]
heater_pin: PB2
sensor_type: EPCOS 100K B57560G104F
sensor_pin: PC4
control: pid
pid_kp: 54.027
pid_ki: 0.770
pid_kd: 948.182
min_temp: 0
max_temp: 130

[fan]
pin: PA0

[heater_fan hotend_fan]
pin: PA2
heater: extruder
heater_temp: 50.0

[controller_fan electronics_fan]
pin: PA3

[temperature_sensor chamber]
sensor_type: Generic 3950
sensor_pin: PC0
min_temp: 0
max_temp: 100

[temperature_sensor raspberry_pi]
sensor_type: temperature_host

[filament_switch_sensor filament]
switch_pin: PC15
pause_on_runout: True

[output_pin caselight]
pin: PA4
pwm: True
value: 0.5

[neopixel toolhead]
pin: PA8
chain_count: 3
color_order: GRB
initial_red: 0.2

[probe]
pin: ^PB1
x_offset: 0
y_offset: 0
z_offset: 1.500
speed: 10

[safe_z_home]
home_xy_position: 125, 125
speed: 150
z_hop: 5

[bed_mesh]
speed: 200
horizontal_move_z: 3
mesh_min: 15, 15
mesh_max: 235, 235
probe_count: 5, 5

[bed_screws]
screw1: 30, 30
screw2: 220, 30
screw3: 220, 220
screw4: 30, 220

[input_shaper]
shaper_freq_x: 45
shaper_freq_y: 40

# Without a path, the folder is the one that the virtual printer was started with.
[virtual_sdcard]
on_error_gcode: CANCEL_PRINT

[pause_resume]

[display_status]

[exclude_object]

[respond]

[gcode_arcs]

[force_move]
enable_force_move: True

[firmware_retraction]
retract_length: 0.8
retract_speed: 40

[skew_correction]

[idle_timeout]
timeout: 1800

[gcode_macro START_PRINT]
description: Heat up and home before a print
gcode:
  {% set BED = params.BED|default(60)|float %}
  {% set HOTEND = params.HOTEND|default(params.EXTRUDER)|default(200)|float %}
  M140 S{BED}
  M104 S{HOTEND}
  G90
  M83
  G28
  M190 S{BED}
  M109 S{HOTEND}
  G1 X5 Y5 Z0.3 F6000
  G1 X100 E9 F1200
  G92 E0

[gcode_macro END_PRINT]
description: Cool down and move away after a print
gcode:
  M400
  {% if printer.extruder.can_extrude %}
  M83
  G1 E-2 F2100
  {% endif %}
  TURN_OFF_HEATERS
  M107
  {% if "xyz" in printer.toolhead.homed_axes %}
  G91
  G0 Z{[10, printer.toolhead.axis_maximum.z - printer.toolhead.position.z]|min} F600
  G90
  G0 X{printer.toolhead.axis_minimum.x + 5} Y{printer.toolhead.axis_maximum.y - 5} F6000
  {% endif %}

[gcode_macro PAUSE]
description: Pause the running print
rename_existing: PAUSE_BASE
variable_extrude: 1.0
gcode:
  PAUSE_BASE
  {% if printer.extruder.can_extrude %}
  M83
  G1 E-{printer["gcode_macro PAUSE"].extrude} F2100
  {% endif %}
  {% if "xyz" in printer.toolhead.homed_axes %}
  G91
  G1 Z{[5, printer.toolhead.axis_maximum.z - printer.toolhead.position.z]|min} F900
  G90
  G1 X{printer.toolhead.axis_minimum.x + 5} Y{printer.toolhead.axis_maximum.y - 5} F6000
  {% endif %}

[gcode_macro RESUME]
description: Go on with the paused print
rename_existing: RESUME_BASE
gcode:
  {% if printer.extruder.can_extrude %}
  M83
  G1 E{printer["gcode_macro PAUSE"].extrude} F2100
  {% endif %}
  RESUME_BASE {rawparams}

[gcode_macro CANCEL_PRINT]
description: Cancel the running print
rename_existing: CANCEL_PRINT_BASE
gcode:
  TURN_OFF_HEATERS
  M107
  CANCEL_PRINT_BASE
`
}
