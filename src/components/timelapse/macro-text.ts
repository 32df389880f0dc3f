// timelapse.cfg, the macros for Klipper. Names and variables are those that front-ends, cameras' programs and users know
// from the file of the third-party component; the macros themselves are our own.

/** Raised with each change of the text. */
export const MACRO_VERSION = '1'

/** How the first line starts; the version follows. */
export const MACRO_HEADING = '# timelapse.cfg of moonraker-ts, version '

/** The whole file. */
export const MACRO_TEXT = `${MACRO_HEADING}${MACRO_VERSION}
# The server updates this file on request: do not change it. Put [include timelapse.cfg] into printer.cfg, and
# TIMELAPSE_TAKE_FRAME into the slicer's G-code for a change of the layer. Needs [pause_resume], [respond] is not needed.

[gcode_macro TIMELAPSE_TAKE_FRAME]
description: Take a frame of the time-lapse
variable_enable: False
variable_verbose: False
variable_takingframe: False
variable_is_paused: False
variable_waited: 0.0
variable_check_time: 0.5
variable_park: {'enable': False, 'pos': 'center', 'time': 0.1, 'custom': {'x': 0, 'y': 0, 'dz': 0}, 'coord': {'x': 0, 'y': 0, 'dz': 0}}
variable_extruder: {'fw_retract': False, 'retract': 1.0, 'extrude': 1.0}
variable_speed: {'travel': 100, 'retract': 15, 'extrude': 15}
variable_macro: {'pause': 'PAUSE', 'resume': 'RESUME'}
gcode:
  {% set by_timer = params.HYPERLAPSE|default('false')|lower == 'true' %}
  {% if not enable %}
    {% if verbose %}{action_respond_info("Time-lapse: off, no frame is taken")}{% endif %}
  {% elif by_timer == printer['gcode_macro HYPERLAPSE'].run and not is_paused %}
    {% if park.enable %}
      {% if printer.toolhead.homed_axes == 'xyz' and not printer.pause_resume.is_paused %}
        _TIMELAPSE_PARK
      {% elif verbose %}
        {action_respond_info("Time-lapse: not parked, the printer is paused or not homed")}
      {% endif %}
    {% endif %}
    _TIMELAPSE_NEW_FRAME HYPERLAPSE={by_timer}
  {% endif %}

[gcode_macro _TIMELAPSE_NEW_FRAME]
description: Request a frame from the server; runs after the moves before it
gcode:
  {action_call_remote_method("timelapse_newframe",
                             macropark=printer['gcode_macro TIMELAPSE_TAKE_FRAME'].park,
                             hyperlapse=params.HYPERLAPSE|default('False'))}

[gcode_macro _TIMELAPSE_PARK]
description: Pause the print and park the head for a frame
gcode:
  {% set tl = printer['gcode_macro TIMELAPSE_TAKE_FRAME'] %}
  {% set top = printer.toolhead.axis_maximum.z %}
  {% set z = [printer.gcode_move.gcode_position.z + tl.park.coord.dz, top]|min %}
  {% set travel = tl.speed.travel * 60 %}
  SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=is_paused VALUE=True
  SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=takingframe VALUE=True
  SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=waited VALUE=0.0
  UPDATE_DELAYED_GCODE ID=_WAIT_TIMELAPSE_TAKE_FRAME DURATION={tl.check_time}
  {tl.macro.pause}
  {% if printer[printer.toolhead.extruder].can_extrude %}
    {% if tl.extruder.fw_retract %}
      G10
    {% else %}
      M83
      G1 E-{tl.extruder.retract} F{tl.speed.retract * 60}
    {% endif %}
  {% endif %}
  G90
  SET_GCODE_OFFSET X=0 Y=0
  {% if tl.park.coord.dz %}G1 Z{z} F{travel}{% endif %}
  G1 {% if tl.park.pos != 'y_only' %}X{tl.park.coord.x}{% endif %} {% if tl.park.pos != 'x_only' %}Y{tl.park.coord.y}{% endif %} F{travel}
  M400

# The server sets takingframe to False when the frame is taken, or has failed. Without a server the print goes on too.
[delayed_gcode _WAIT_TIMELAPSE_TAKE_FRAME]
gcode:
  {% set tl = printer['gcode_macro TIMELAPSE_TAKE_FRAME'] %}
  {% if tl.takingframe and tl.waited < 60 %}
    SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=waited VALUE={tl.waited + tl.check_time}
    UPDATE_DELAYED_GCODE ID=_WAIT_TIMELAPSE_TAKE_FRAME DURATION={tl.check_time}
  {% elif tl.is_paused %}
    {% if tl.takingframe %}
      {action_respond_info("Time-lapse: the server does not answer, the print goes on")}
      SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=takingframe VALUE=False
    {% endif %}
    {% if printer.pause_resume.is_paused %}
      {tl.macro.resume} VELOCITY={tl.speed.travel}
      SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=is_paused VALUE=False
      {% if not printer[printer.toolhead.extruder].can_extrude %}
      {% elif tl.extruder.fw_retract %}
        G11
      {% else %}
        SAVE_GCODE_STATE NAME=timelapse
        M83
        G1 E{tl.extruder.extrude} F{tl.speed.extrude * 60}
        RESTORE_GCODE_STATE NAME=timelapse
      {% endif %}
    {% else %}
      # The print was cancelled.
      SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=is_paused VALUE=False
    {% endif %}
  {% endif %}

[gcode_macro _SET_TIMELAPSE_SETUP]
description: Take over the settings of the server
gcode:
  {% set tl = printer['gcode_macro TIMELAPSE_TAKE_FRAME'] %}
  {% set settings = printer.configfile.settings %}
  {% set low = printer.toolhead.axis_minimum %}
  {% set high = printer.toolhead.axis_maximum %}
  {% set is_round = settings.printer.kinematics in ['delta', 'polar', 'rotary_delta', 'winch'] %}
  {% set part = 0.7 if is_round else 1.0 %}
  {% set left, right = low.x * part, high.x * part %}
  {% set front, back = low.y * part, high.y * part %}
  {% set x = [[params.CUSTOM_POS_X|default(tl.park.custom.x)|float, low.x]|max, high.x]|min %}
  {% set y = [[params.CUSTOM_POS_Y|default(tl.park.custom.y)|float, low.y]|max, high.y]|min %}
  {% set dz = [[params.CUSTOM_POS_DZ|default(tl.park.custom.dz)|float, 0.0]|max, high.z]|min %}
  {% set pos = params.PARK_POS|default(tl.park.pos)|lower %}
  {% set places = {
    'center': {'x': (low.x + high.x) / 2, 'y': (low.y + high.y) / 2, 'dz': 1.0},
    'front_left': {'x': left, 'y': front, 'dz': 0.0},
    'front_right': {'x': right, 'y': front, 'dz': 0.0},
    'back_left': {'x': left, 'y': back, 'dz': 0.0},
    'back_right': {'x': right, 'y': back, 'dz': 0.0},
    'custom': {'x': x, 'y': y, 'dz': dz},
    'x_only': {'x': x, 'y': 0.0, 'dz': dz},
    'y_only': {'x': 0.0, 'y': y, 'dz': dz}
  } %}
  {% if pos not in places %}
    {action_raise_error("PARK_POS=%s is none of %s" % (pos, places.keys()|join(', ')))}
  {% endif %}
  {% set park = {
    'enable': params.PARK_ENABLE|default(tl.park.enable)|string|lower == 'true',
    'pos': pos,
    'time': params.PARK_TIME|default(tl.park.time)|float,
    'custom': {'x': x, 'y': y, 'dz': dz},
    'coord': places[pos]
  } %}
  {% set fw_retract = params.FW_RETRACT|default(tl.extruder.fw_retract)|string|lower == 'true' %}
  {% set extruder = {
    'fw_retract': fw_retract and 'firmware_retraction' in settings,
    'retract': params.RETRACT_DISTANCE|default(tl.extruder.retract)|float,
    'extrude': params.EXTRUDE_DISTANCE|default(tl.extruder.extrude)|float
  } %}
  {% set speed = {
    'travel': params.TRAVEL_SPEED|default(tl.speed.travel)|float,
    'retract': params.RETRACT_SPEED|default(tl.speed.retract)|float,
    'extrude': params.EXTRUDE_SPEED|default(tl.speed.extrude)|float
  } %}
  {% set renamed = {
    'pause': (settings['gcode_macro pause']|default({})).rename_existing|default('PAUSE'),
    'resume': (settings['gcode_macro resume']|default({})).rename_existing|default('RESUME')
  } %}
  SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=enable VALUE={params.ENABLE|default(tl.enable)|string|lower == 'true'}
  SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=verbose VALUE={params.VERBOSE|default(tl.verbose)|string|lower == 'true'}
  SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=park VALUE="{park}"
  SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=extruder VALUE="{extruder}"
  SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=speed VALUE="{speed}"
  SET_GCODE_VARIABLE MACRO=TIMELAPSE_TAKE_FRAME VARIABLE=macro VALUE="{renamed}"
  {% if fw_retract and not extruder.fw_retract %}
    {action_respond_info("Time-lapse: G10 and G11 need the section [firmware_retraction] in printer.cfg")}
  {% endif %}

[gcode_macro GET_TIMELAPSE_SETUP]
description: Show the settings of the time-lapse
gcode:
  {% set tl = printer['gcode_macro TIMELAPSE_TAKE_FRAME'] %}
  {action_respond_info("Time-lapse: enable %s, verbose %s\\npark: %s\\nextruder: %s\\nspeed: %s" % (tl.enable, tl.verbose, tl.park, tl.extruder, tl.speed))}

[gcode_macro HYPERLAPSE]
description: Take a frame every CYCLE seconds. ACTION=START or ACTION=STOP
variable_run: False
variable_cycle: 0
gcode:
  {% set action = params.ACTION|default('')|lower %}
  {% set seconds = params.CYCLE|default(30)|int %}
  {% if action == 'start' %}
    SET_GCODE_VARIABLE MACRO=HYPERLAPSE VARIABLE=cycle VALUE={seconds}
    SET_GCODE_VARIABLE MACRO=HYPERLAPSE VARIABLE=run VALUE=True
    UPDATE_DELAYED_GCODE ID=_HYPERLAPSE_LOOP DURATION={seconds}
    TIMELAPSE_TAKE_FRAME HYPERLAPSE=True
  {% elif action == 'stop' %}
    SET_GCODE_VARIABLE MACRO=HYPERLAPSE VARIABLE=run VALUE=False
    UPDATE_DELAYED_GCODE ID=_HYPERLAPSE_LOOP DURATION=0
  {% else %}
    {action_raise_error("HYPERLAPSE needs ACTION=START or ACTION=STOP")}
  {% endif %}

[delayed_gcode _HYPERLAPSE_LOOP]
gcode:
  UPDATE_DELAYED_GCODE ID=_HYPERLAPSE_LOOP DURATION={printer['gcode_macro HYPERLAPSE'].cycle}
  TIMELAPSE_TAKE_FRAME HYPERLAPSE=True

[gcode_macro TIMELAPSE_RENDER]
description: Render the video, and wait for it
variable_render: False
variable_run_identifier: 0
gcode:
  SET_GCODE_VARIABLE MACRO=TIMELAPSE_RENDER VARIABLE=render VALUE=True
  {printer['gcode_macro TIMELAPSE_TAKE_FRAME'].macro.pause}
  UPDATE_DELAYED_GCODE ID=_WAIT_TIMELAPSE_RENDER DURATION=0.5
  _TIMELAPSE_START_RENDER

[gcode_macro _TIMELAPSE_START_RENDER]
description: Request the video from the server
gcode:
  {action_call_remote_method("timelapse_render", byrendermacro="True")}

[delayed_gcode _WAIT_TIMELAPSE_RENDER]
gcode:
  {% set tl = printer['gcode_macro TIMELAPSE_RENDER'] %}
  {% if tl.render %}
    SET_GCODE_VARIABLE MACRO=TIMELAPSE_RENDER VARIABLE=run_identifier VALUE={(tl.run_identifier + 1) % 4}
    M117 Rendering {['-', '/', '|', '='][tl.run_identifier]}
    UPDATE_DELAYED_GCODE ID=_WAIT_TIMELAPSE_RENDER DURATION=0.5
  {% else %}
    M117
    {printer['gcode_macro TIMELAPSE_TAKE_FRAME'].macro.resume}
  {% endif %}

[gcode_macro TEST_STREAM_DELAY]
description: Move the head and take a frame, to find the delay of the stream
gcode:
  {% set tl = printer['gcode_macro TIMELAPSE_TAKE_FRAME'] %}
  {% set low = printer.toolhead.axis_minimum %}
  {% set high = printer.toolhead.axis_maximum %}
  {% if printer.toolhead.position.z <= 5 %}
    {action_raise_error("TEST_STREAM_DELAY needs the head above Z 5")}
  {% endif %}
  G90
  G1 X{low.x + 5} F{tl.speed.travel * 60}
  G1 X{(low.x + high.x) / 2}
  G4 P{tl.park.time * 1000}
  _TIMELAPSE_NEW_FRAME HYPERLAPSE=False
  G1 X{high.x - 5}
`
