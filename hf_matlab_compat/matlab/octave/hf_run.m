function printed = hf_run(bytes)
% Run statements in the base workspace, and return what they print. They come as the bytes of UTF-8, since a .mat file
% counts the characters of text, and Octave its bytes.

code = char(bytes);
printed = evalc('evalin(''base'', code);');
end
