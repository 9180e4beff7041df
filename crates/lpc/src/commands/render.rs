//! `lpc render`: draws a picture with a shader.

use super::run::run_failure;
use crate::device::{DeviceOptions, DeviceProgram};
use crate::failure::Failure;
use crate::options::{CompileOptions, RunOptions};
use crate::output::{check_not_terminal, write_bytes};
use crate::pipeline::Compilation;
use crate::source::SourceModule;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lpc_harness::{NoHost, Program, RunError};
use lpc_lpir::ir::{AbiParam, AnyEntity, DataValue, ExternalName, FuncId, Signature, Type};
use lpc_lpir::text::Location;
use std::num::NonZero;
use std::path::PathBuf;
use std::{fmt, io, thread};

/// Draw a picture with a shader
///
/// The shader is a function (i32, i32, i32) -> i32, i32, i32. It gets the coordinates of a pixel and the time, and returns
/// red, green and blue from 0 to 255. All three arguments are Q16.16 fixed-point numbers: x and y count pixels from the
/// upper left corner and are divided by the height of the picture, so that y goes from 0 to 1.
#[derive(Args)]
#[command(after_help = "\
Examples:
  lpc render examples/mandelbrot.clif -o mandelbrot.png
  lpc render examples/mandelbrot.clif --preview
  lpc render examples/mandelbrot.clif --preview --width 120 --height 60 --time 2.5
  lpc render examples/mandelbrot.clif --preview --qemu lpc-firmware")]
pub(crate) struct Arguments {
    /// The file, as text or in the binary form, or - for the standard input
    file: PathBuf,

    /// Where to write the picture, as PNG; - is the standard output
    #[arg(short, long, value_name = "FILE", required_unless_present = "preview")]
    output: Option<PathBuf>,

    /// Draw the picture in the terminal
    #[arg(long)]
    preview: bool,

    /// The width of the picture in pixels [default: 320, or 80 if it is only previewed]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=8192))]
    width: Option<u32>,

    /// The height of the picture in pixels [default: three quarters of the width]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=8192))]
    height: Option<u32>,

    /// The time that the shader gets, in seconds
    #[arg(long, default_value_t = 0.0)]
    time: f64,

    /// The name of the shader
    #[arg(long, value_name = "NAME", default_value = "shade")]
    function: String,

    #[command(flatten)]
    compile: CompileOptions,

    #[command(flatten)]
    run: RunOptions,

    #[command(flatten)]
    device: DeviceOptions,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.compile.start_threads();
    if arguments.output.is_some() {
        check_not_terminal(arguments.output.as_deref())?;
    }
    let source = {
        let mut source = SourceModule::read(&arguments.file)?;
        source.number_instructions();
        source
    };
    let function = find_shader(&arguments.function, &source)?;
    let default_width = if arguments.output.is_some() {
        320
    } else {
        PREVIEW_WIDTH
    };
    let width = arguments.width.unwrap_or(default_width);
    let height = arguments.height.unwrap_or((width * 3).div_ceil(4));
    let picture = if arguments.device.is_given() {
        draw_on_device(arguments, &source, function, width, height)?
    } else {
        let shader = Shader::new(arguments, &source, function)?;
        let picture = shader.draw(width, height);
        picture.map_err(|error| error.failure(&source))?
    };
    if let Some(path) = &arguments.output {
        write_bytes(Some(path), &picture.to_png()?)?;
    }
    if arguments.preview {
        let preview = Preview {
            picture: &picture,
            colored: anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
        };
        write_bytes(None, preview.to_string().as_bytes())?;
    }
    Ok(())
}

/// A program with its shader.
struct Shader {
    program: Program,
    function: ExternalName,
    /// The time, in Q16.16 seconds.
    time: i32,
}

/// The function of `source` that is called `name`, if it is a shader.
fn find_shader(name: &str, source: &SourceModule) -> Result<FuncId, Failure> {
    let function = ExternalName::symbol(name.trim_start_matches('%'));
    let id = source
        .module
        .find(&function)
        .ok_or_else(|| Failure::message(format_args!("the file has no function {function}")))?;
    let signature = &source.module.function(id).signature;
    if !is_shader(signature) {
        let location = source.location(id, AnyEntity::Function);
        let error = source.diagnostic(
            location.unwrap_or(Location::START),
            format!("a shader is (i32, i32, i32) -> i32, i32, i32, and {function} is {signature}"),
        );
        return Err(source.failure(vec![error]));
    }
    Ok(id)
}

/// Calls the shader `function` for every pixel, on a device.
fn draw_on_device(
    arguments: &Arguments,
    source: &SourceModule,
    function: FuncId,
    width: u32,
    height: u32,
) -> Result<Picture, Failure> {
    let settings = arguments.compile.linked_settings();
    let limit = arguments.run.instruction_limit;
    let mut program = DeviceProgram::load(&arguments.device, source, &settings, limit)?;
    let progress = ProgressBar::new(height.into()).with_style(progress_style());
    let mut bytes = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        let pixels: Vec<_> = (0..width)
            .map(|x| shader_arguments(x, y, height, to_fixed(arguments.time)).to_vec())
            .collect();
        let outcome = program.call(function, &pixels, &mut io::empty(), &mut io::sink())?;
        if let Some((cause, place)) = outcome.stopped {
            let x = outcome.results.len() as u32;
            let error = program.run_error(cause, place);
            return Err(PixelError { x, y, error }.failure(source));
        }
        bytes.extend(outcome.results.iter().flatten().map(channel_byte));
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(Picture {
        width,
        height,
        bytes,
    })
}

/// What the shader gets for a pixel.
fn shader_arguments(x: u32, y: u32, height: u32, time: i32) -> [DataValue; 3] {
    let arguments = [coordinate(x, height), coordinate(y, height), time];
    arguments.map(|number| DataValue::from_signed(Type::I32, number.into()))
}

/// What a color channel that the shader gave is in a picture.
fn channel_byte(channel: &DataValue) -> u8 {
    channel.signed().clamp(0, 255) as u8
}

impl Shader {
    fn new(
        arguments: &Arguments,
        source: &SourceModule,
        function: FuncId,
    ) -> Result<Self, Failure> {
        let settings = arguments.compile.linked_settings();
        let compilation = Compilation::new(source, &settings)?;
        let machine = arguments.run.machine();
        let program = Program::load(
            &source.module,
            &compilation.compiled,
            &settings,
            machine,
            &NoHost,
        );
        Ok(Self {
            program: program.map_err(|error| source.load_failure(&error))?,
            function: source.module.function(function).name.clone(),
            time: to_fixed(arguments.time),
        })
    }

    /// Calls the shader for every pixel.
    fn draw(&self, width: u32, height: u32) -> Result<Picture, PixelError> {
        let progress = ProgressBar::new(height.into()).with_style(progress_style());
        let mut bytes = vec![0; width as usize * height as usize * 3];
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let rows_each = (height as usize).div_ceil(threads);
        let rows = bytes.chunks_mut(width as usize * 3).collect::<Vec<_>>();
        let mut rows = rows.into_iter().zip(0..).collect::<Vec<_>>();
        thread::scope(|scope| {
            let workers = rows.chunks_mut(rows_each).map(|rows| {
                let progress = &progress;
                scope.spawn(move || self.draw_rows(rows, height, progress))
            });
            let workers: Vec<_> = workers.collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().expect("drawing does not panic"))
        })?;
        progress.finish_and_clear();
        Ok(Picture {
            width,
            height,
            bytes,
        })
    }

    /// Draws rows, each of which comes with its number, on a machine of its own.
    fn draw_rows(
        &self,
        rows: &mut [(&mut [u8], u32)],
        height: u32,
        progress: &ProgressBar,
    ) -> Result<(), PixelError> {
        let mut program = self.program.clone();
        for (row, y) in rows {
            for (pixel, x) in row.chunks_exact_mut(3).zip(0..) {
                let arguments = shader_arguments(x, *y, height, self.time);
                let color = program.call(&self.function, &arguments, &mut NoHost);
                let color = color.map_err(|error| PixelError { x, y: *y, error })?;
                for (byte, channel) in pixel.iter_mut().zip(color) {
                    *byte = channel_byte(&channel);
                }
            }
            progress.inc(1);
        }
        Ok(())
    }
}

/// Why a pixel has no color.
struct PixelError {
    x: u32,
    y: u32,
    error: RunError,
}

impl PixelError {
    fn failure(self, source: &SourceModule) -> Failure {
        let Self { x, y, error } = self;
        match run_failure(source, error) {
            Failure::Trap(message) => Failure::Trap(format!("{message} (pixel {x}, {y})")),
            failure => failure,
        }
    }
}

fn is_shader(signature: &Signature) -> bool {
    let are_three_words = |params: &[AbiParam]| {
        params.len() == 3 && params.iter().all(|param| param.value_type == Type::I32)
    };
    are_three_words(&signature.params) && are_three_words(&signature.returns)
}

/// The center of the pixel number `index` in Q16.16, where the height of the picture is 1.
fn coordinate(index: u32, height: u32) -> i32 {
    let doubled = (u64::from(index) * 2 + 1) << 16;
    (doubled / (2 * u64::from(height))) as i32
}

/// `number` in Q16.16.
fn to_fixed(number: f64) -> i32 {
    (number * 65536.0) as i32
}

fn progress_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {eta} left")
        .expect("the template is well-formed")
}

/// A picture: rows of pixels from the top, red, green and blue of each.
struct Picture {
    width: u32,
    height: u32,
    bytes: Vec<u8>,
}

impl Picture {
    fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let start = (y as usize * self.width as usize + x as usize) * 3;
        [
            self.bytes[start],
            self.bytes[start + 1],
            self.bytes[start + 2],
        ]
    }

    fn to_png(&self) -> Result<Vec<u8>, Failure> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&self.bytes))
            .map_err(Failure::message)?;
        Ok(file)
    }
}

/// The most columns of a preview.
const PREVIEW_WIDTH: u32 = 80;

/// A picture as text, scaled down to [`PREVIEW_WIDTH`].
///
/// A line of text shows two rows of pixels: as the colors of the upper and the lower half of a block, or without colors as
/// one character that is the denser the brighter they are.
struct Preview<'a> {
    picture: &'a Picture,
    colored: bool,
}

/// Characters from dark to bright.
const BRIGHTNESS: &[u8] = b" .:-=+*#%@";

impl fmt::Display for Preview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.picture.width.min(PREVIEW_WIDTH);
        let scale = self.picture.width.div_ceil(columns);
        let (columns, rows) = (self.picture.width / scale, self.picture.height / scale);
        for row in (0..rows).step_by(2) {
            for column in 0..columns {
                let pixel = |row: u32| {
                    self.picture
                        .pixel(column * scale, row.min(rows - 1) * scale)
                };
                let (upper, lower) = (pixel(row), pixel(row + 1));
                if self.colored {
                    let ([r, g, b], [r2, g2, b2]) = (upper, lower);
                    write!(f, "\x1b[38;2;{r};{g};{b};48;2;{r2};{g2};{b2}m\u{2580}")?;
                } else {
                    let sum: usize = upper
                        .iter()
                        .chain(&lower)
                        .map(|byte| usize::from(*byte))
                        .sum();
                    let index = sum * BRIGHTNESS.len() / (6 * 255 + 1);
                    write!(f, "{}", BRIGHTNESS[index] as char)?;
                }
            }
            f.write_str(if self.colored { "\x1b[0m\n" } else { "\n" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture {
            width: 2,
            height: 3,
            bytes: vec![
                255, 255, 255, 255, 0, 0, // white, red
                255, 255, 255, 0, 0, 0, // white, black
                0, 0, 0, 9, 8, 7, // black, dark
            ],
        }
    }

    #[test]
    fn previews_with_and_without_colors() {
        let picture = picture();
        let preview = |colored| {
            let picture = &picture;
            Preview { picture, colored }.to_string()
        };
        assert_eq!(preview(false), "@.\n  \n");
        assert_eq!(
            preview(true),
            "\x1b[38;2;255;255;255;48;2;255;255;255m\u{2580}\x1b[38;2;255;0;0;48;2;0;0;0m\u{2580}\x1b[0m\n\
             \x1b[38;2;0;0;0;48;2;0;0;0m\u{2580}\x1b[38;2;9;8;7;48;2;9;8;7m\u{2580}\x1b[0m\n"
        );
    }

    #[test]
    fn png_files_hold_the_pixels() {
        let file = picture().to_png().unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width, info.height), (2, 3));
        assert_eq!(bytes, picture().bytes);
    }

    #[test]
    fn coordinates_are_centers_of_pixels() {
        assert_eq!(coordinate(0, 1), 0x8000);
        assert_eq!(coordinate(1, 4), 0x6000);
        assert_eq!(coordinate(8191, 8192), 0xfffc);
        assert_eq!(to_fixed(-1.5), -0x1_8000);
    }
}
