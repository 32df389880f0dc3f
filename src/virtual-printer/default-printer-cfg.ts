// The default printer.cfg of the virtual printer: a common bed slinger with the macros that front-ends and slicers
// call, and options that let the files of other machines print on it.

/** The text of a printer.cfg for the virtual printer; `strict` leaves out what makes the files of other machines print. */
export function defaultPrinterCfg({ strict = false } = {}): string {
  const parts = strict ? [MACHINE, MACROS] : [HINT, MACHINE, MACROS, FORGIVING]
  return parts.join('\n')
}

const HINT = `# This machine prints the files of other machines too: see the part "Forgiving" at the end.
`

const MACHINE = `# A virtual printer: a cartesian machine of 250 x 250 x 250 mm, with some room at the edges.
# Its pins lead nowhere; everything else works as on a real one. Edit it and RESTART.

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
# Without on_error_gcode, an error ends a print in the state "error" with its message; CANCEL_PRINT there
# would make it "cancelled" without a message.
[virtual_sdcard]

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
`

const MACROS = `# Homes, heats and purges. Slicer profiles name the temperatures differently: each of these names works.
# A temperature that the slicer does not give is the one that is set already, or 60 and 200.
[gcode_macro START_PRINT]
description: Home, heat up and purge before a print
gcode:
  {% set mode = printer.gcode_move %}
  {% set bed = (params.BED_TEMP or params.BED or params.BED_TEMPERATURE or params.TEMP_BED
    or params.FIRST_LAYER_BED_TEMPERATURE or params.FIRST_LAYER_BED_TEMP
    or printer.heater_bed.target or 60)|float(60) %}
  {% set hotend = (params.EXTRUDER_TEMP or params.EXTRUDER or params.HOTEND or params.HOTEND_TEMP
    or params.NOZZLE_TEMP or params.NOZZLE or params.EXTRUDER_TEMPERATURE or params.TEMP_EXTRUDER
    or params.FIRST_LAYER_TEMPERATURE or params.FIRST_LAYER_TEMP or params.TEMPERATURE
    or printer.extruder.target or 200)|float(200) %}
  M140 S{bed}
  M104 S{hotend}
  G90
  G28
  M190 S{bed}
  M109 S{hotend}
  {% if hotend >= printer.configfile.settings.extruder.min_extrude_temp %}
  G92 E0
  G1 X5 Y5 Z0.3 F6000
  G1 X100 E9 F1200
  G92 E0
  {% endif %}
  {% if not mode.absolute_coordinates %}
  G91
  {% endif %}

[gcode_macro PRINT_START]
description: The same under the name that other slicer profiles call
gcode:
  START_PRINT {rawparams}

[gcode_macro END_PRINT]
description: Cool down and move away after a print
gcode:
  SAVE_GCODE_STATE NAME=END_PRINT
  M400
  {% if printer.extruder.can_extrude %}
  M83
  G1 E-2 F2100
  {% endif %}
  TURN_OFF_HEATERS
  M107
  _PARK LIFT=10
  RESTORE_GCODE_STATE NAME=END_PRINT

[gcode_macro PRINT_END]
description: The same under the name that other slicer profiles call
gcode:
  END_PRINT {rawparams}

[gcode_macro PAUSE]
description: Pause the running print
rename_existing: PAUSE_BASE
variable_extrude: 1.0
gcode:
  PAUSE_BASE
  {% if not printer.pause_resume.is_paused %}
  SAVE_GCODE_STATE NAME=PAUSE
  {% if printer.extruder.can_extrude %}
  M83
  G1 E-{printer["gcode_macro PAUSE"].extrude} F2100
  {% endif %}
  _PARK LIFT=5
  RESTORE_GCODE_STATE NAME=PAUSE
  {% endif %}

[gcode_macro RESUME]
description: Go on with the paused print
rename_existing: RESUME_BASE
gcode:
  {% if printer.pause_resume.is_paused and printer.extruder.can_extrude %}
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

# Lifts the nozzle and moves it to the back left corner; leaves G90.
[gcode_macro _PARK]
gcode:
  {% set toolhead = printer.toolhead %}
  {% if "xyz" in toolhead.homed_axes %}
  G91
  G1 Z{[params.LIFT|float, toolhead.axis_maximum.z - toolhead.position.z]|min} F900
  G90
  G1 X{[5, toolhead.axis_minimum.x]|max} Y{[245, toolhead.axis_maximum.y]|min} F6000
  {% endif %}
`

const FORGIVING = `# ---------------------------------------------------------------------------------------------
# Forgiving: from here on, options and macros let the files of other machines print on this one.
# Delete this part for a strict machine, on which they fail as on a real one with these limits.
# All but [virtual_printer] are options of Klipper; what they repeat replaces what is written above.

# Room for other beds: those of deltas and others with the origin in the centre, large ones, and Z hops
# above the top and below the bed.
[stepper_x]
position_min: -300
position_max: 600
homing_positive_dir: False

[stepper_y]
position_min: -300
position_max: 600
homing_positive_dir: False

[stepper_z]
position_min: -20
position_max: 800

# A cold nozzle may extrude, and long or thick lines are allowed.
[extruder]
max_temp: 400
min_extrude_temp: 0
max_extrude_only_distance: 5000
max_extrude_cross_section: 10000

[heater_bed]
max_temp: 200

# A command that this machine does not support, such as one for a heater, fan, pin, tool, macro or mesh
# profile of another machine, or in the dialect of another firmware, is a message in the console and
# skipped when it comes from a print file. Klipper has no such option: there it ends the print.
[virtual_printer]
skip_unsupported: True

# The machine counts as homed from the start on, and stays so when motors are switched off.
[delayed_gcode homed_at_start]
initial_duration: 0.001
gcode:
  SET_KINEMATIC_POSITION X=125 Y=125 Z=20

[gcode_macro M84]
rename_existing: M84.1
gcode:
  M84.1
  SET_KINEMATIC_POSITION

[gcode_macro M18]
rename_existing: M18.1
gcode:
  M18.1
  SET_KINEMATIC_POSITION

# Each file starts homed, with the modes, factors and coordinates of a machine that was just switched on,
# whatever the print before left behind.
[gcode_macro SDCARD_PRINT_FILE]
rename_existing: BASE_SDCARD_PRINT_FILE
gcode:
  {% if not printer.virtual_sdcard.is_active %}
  {% set position = printer.gcode_move.position %}
  {% set origin = printer.gcode_move.homing_origin %}
  {% if printer.toolhead.homed_axes != "xyz" %}
  SET_KINEMATIC_POSITION
  {% endif %}
  G90
  M82
  M220 S100
  M221 S100
  G92 X{position.x - origin.x} Y{position.y - origin.y} Z{position.z - origin.z} E0
  {% endif %}
  BASE_SDCARD_PRINT_FILE {rawparams}

# Waiting for a sensor that nothing heats would never end.
[gcode_macro TEMPERATURE_WAIT]
rename_existing: BASE_TEMPERATURE_WAIT
gcode:
  {% set sensor = printer[params.SENSOR] if params.SENSOR in printer else {} %}
  {% if params.MINIMUM and not sensor.target %}
  {action_respond_info("Nothing heats %s: not waiting for it" % params.SENSOR)}
  {% else %}
  BASE_TEMPERATURE_WAIT {rawparams}
  {% endif %}
`
