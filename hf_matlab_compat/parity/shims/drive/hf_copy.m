function hf_copy(from, to)
% Copy a file without a shell, which copyfile starts in Octave.

source = fopen(from, 'r');
bytes = fread(source, Inf, 'uint8=>uint8');
fclose(source);
target = fopen(to, 'w');
fwrite(target, bytes);
fclose(target);
end
